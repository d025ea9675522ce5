using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.ResNet.Trainers.Networks;
using TorchSharp;

namespace Microsoft.ML.ResNet.Trainers;

/// <summary>
/// Information for reporting a fault in a native library: the machine, the versions, and which convolutions the CPU computes correctly.
/// </summary>
public static class TrainingDiagnostics
{
    /// <summary>Describes the machine and the versions. Needs no libtorch.</summary>
    /// <returns>Names and values, in an order to print them in.</returns>
    public static ImmutableArray<KeyValuePair<string, string>> DescribeMachine()
    {
        var sets = Processor.InstructionSets.ToLookup(each => each.Present, each => each.Name);
        var present = string.Join(", ", sets[true].DefaultIfEmpty("none of these"));
        var missing = string.Join(", ", sets[false].DefaultIfEmpty("none of these"));
        return
        [
            new("CPU", $"{Processor.Name}; cores: {Environment.ProcessorCount}"),
            new("instruction sets", $"{present}; without: {missing}"),
            new("caches", Processor.HidesCaches ? "hidden from oneDNN: 1×1 convolutions are computed as matrix products" : "visible"),
            new("system", $"{RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}"),
            new("Microsoft.ML.ResNet.Trainers", Version(typeof(TrainingDiagnostics))),
            new("TorchSharp, libtorch", $"{Version(typeof(torch))}, {LibTorchSharpLoader.LibTorchVersion}"),
            new("ONNX Runtime", Version(typeof(InferenceSession))),
            .. new[] { "ONEDNN_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY", "OMP_NUM_THREADS", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT" }
                .Select(name => KeyValuePair.Create(name, Environment.GetEnvironmentVariable(name)!))
                .Where(each => each.Value is not null),
        ];
    }

    /// <summary>
    /// Computes each distinct convolution of a network, with its gradients, as training does before its first step, and compares it with
    /// products of matrices in float32.
    /// </summary>
    /// <param name="architecture">The network.</param>
    /// <param name="input">The shape of its images; each side at least <see cref="ResNetArchitecture.MinimumImageSize"/>.</param>
    /// <param name="precision">The type that convolutions compute in; <see cref="TrainingPrecision.Auto"/> for what training would
    /// choose.</param>
    /// <returns>
    /// The diagnoses. Each is made when it is enumerated, so that those before it are known even if a native library crashes the process.
    /// </returns>
    /// <exception cref="ArgumentOutOfRangeException">The image is too small.</exception>
    /// <exception cref="DllNotFoundException">The application has no libtorch; the message names the package to add.</exception>
    public static IEnumerable<ConvolutionDiagnosis> CheckConvolutions(
        ResNetArchitecture architecture, ImageShape input, TrainingPrecision precision = TrainingPrecision.Auto)
    {
        ArgumentNullException.ThrowIfNull(architecture);
        var plan = LayerPlan.Create(architecture, input, classCount: 1);
        TorchRuntime.Initialize();
        var type = ResidualNetwork.ProductTypeOf(PrecisionProbe.Resolve(precision));
        return plan.Layers.OfType<ConvolutionLayer>()
            .Select(layer => ConvolutionShape.Of(plan, layer))
            .Distinct()
            .Select(shape => ConvolutionCheck.Shared.Of(shape, type))
            .Select(verdict => new ConvolutionDiagnosis(
                verdict.Shape.ToString(),
                verdict.Type.ToString(),
                verdict.Method.ToString(),
                verdict.Error,
                verdict.IsReplaced));
    }

    private static string Version(Type type) => type.Assembly.GetName().Version?.ToString(3) ?? "unknown";
}
