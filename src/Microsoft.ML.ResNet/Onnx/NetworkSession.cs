using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.ResNet.Interop;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Onnx;

namespace Microsoft.ML.ResNet.Onnx;

/// <summary>ONNX Runtime called directly, on the processor, with batches of images. Thread-safe.</summary>
internal sealed class NetworkSession : IDisposable
{
    private readonly RunOptions _runOptions = new(); // not kept alive by a run that uses it
    private readonly SessionOptions _options;
    private readonly InferenceSession _session;
    private readonly string[] _inputs, _outputs;
    private readonly LargeMemory? _weights; // not freed while a run uses it

    /// <param name="environment">The environment, whose <see cref="OnnxSessionOptions"/> say how many threads there are, and the
    /// like.</param>
    /// <param name="model">The model; it has one input.</param>
    public NetworkSession(IHostEnvironment environment, OnnxModel model)
    {
        OnnxTelemetry.TurnOff();
        var file = new byte[model.CalculateSize()];
        model.WriteTo(new MemoryStream(file));
        _options = OptionsOf(environment);
        _session = new InferenceSession(file, _options);
        (_inputs, _outputs) = ([model.Inputs.Single().Name], [.. model.Outputs.Select(output => output.Name)]);
    }

    /// <param name="model">The model's file; it has one input.</param>
    /// <param name="inputName">The name of the input.</param>
    /// <param name="outputName">The name of the output that is asked for.</param>
    /// <param name="options">What the session is made with; it is disposed with this.</param>
    /// <param name="weights">What the model calls a file of a name: read where it is, and disposed of after this.</param>
    /// <param name="weightsName">That name.</param>
    public unsafe NetworkSession(
        byte[] model, string inputName, string outputName, SessionOptions options, LargeMemory weights, string weightsName)
    {
        OnnxNative.AddFileInMemory(options, weightsName, weights.Start, (nuint)weights.Capacity);
        (_options, _weights) = (options, weights);
        _session = new InferenceSession(model, options);
        (_inputs, _outputs) = ([inputName], [outputName]);
    }

    /// <summary>Computes all outputs, in the model's order.</summary>
    public IDisposableReadOnlyCollection<OrtValue> Run(OrtValue pixels)
    {
        var outputs = _session.Run(_runOptions, _inputs, [pixels], _outputs);
        GC.KeepAlive(_weights);
        return outputs;
    }

    public void Dispose()
    {
        _session.Dispose();
        _runOptions.Dispose();
        _options.Dispose();
    }

    // As OnnxTransformer takes them; but profiles and optimized models are files, and theirs to write.
    private static SessionOptions OptionsOf(IHostEnvironment environment)
    {
        var chosen = environment.GetOnnxSessionOption() ?? new OnnxSessionOptions(); // null where none were set
        if (chosen.CreateSessionOptions is { } create)
        {
            return create();
        }

        var options = new SessionOptions
        {
            IntraOpNumThreads = chosen.IntraOpNumThreads,
            InterOpNumThreads = chosen.InterOpNumThreads,
            ExecutionMode = chosen.ExecutionMode,
            GraphOptimizationLevel = chosen.GraphOptimizationLevel,
            EnableCpuMemArena = chosen.EnableCpuMemArena,
            EnableMemoryPattern = chosen.EnableMemoryPattern,
            LogSeverityLevel = chosen.LogSeverityLevel,
        };
        if (!chosen.PerSessionThreads)
        {
            options.DisablePerSessionThreads();
        }

        return options;
    }
}
