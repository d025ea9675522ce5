using Microsoft.ML.OnnxRuntime;

namespace Microsoft.ML.ResNet.Onnx;

/// <summary>ONNX Runtime called directly, with batches of images. Thread-safe.</summary>
internal sealed class NetworkSession : IDisposable
{
    private readonly SessionOptions _options = new();
    private readonly RunOptions _runOptions = new(); // not kept alive by a run that uses it
    private readonly InferenceSession _session;
    private readonly string[] _inputs, _outputs;

    public NetworkSession(OnnxModel model)
    {
        using var file = new MemoryStream(model.CalculateSize());
        model.WriteTo(file);
        _session = new InferenceSession(file.ToArray(), _options);
        (_inputs, _outputs) = ([model.Inputs.Single().Name], [.. model.Outputs.Select(output => output.Name)]);
    }

    /// <summary>Computes all outputs, in the model's order.</summary>
    public IDisposableReadOnlyCollection<OrtValue> Run(OrtValue pixels) => _session.Run(_runOptions, _inputs, [pixels], _outputs);

    public void Dispose()
    {
        _session.Dispose();
        _runOptions.Dispose();
        _options.Dispose();
    }
}
