using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.ResNet.Onnx;

namespace Microsoft.ML.ResNet.Tests.Onnx;

public sealed class OnnxGraphWriterTests
{
    // Deeper networks of the same rows differ only in the number of blocks.
    public static TheoryData<string> Networks => [.. ResNetArchitecture.All.Where(each => each.Depths.Sum() <= 60).Select(each => each.Name)];

    [Theory]
    [MemberData(nameof(Networks))]
    public void OnnxRuntimeLoadsEveryNetworkWithoutAWarning(string name)
    {
        var architecture = ResNetArchitecture.Parse(name);
        var plan = LayerPlan.Create(architecture, new ImageShape(3, architecture.MinimumImageSize, architecture.MinimumImageSize), 2);
        var preprocessing = new ImagePreprocessing(plan.Input, [1, 2, 3], [4, 5, 6]) { Supersampling = 2 };
        using var file = new MemoryStream();
        OnnxGraphWriter.Classifier(plan, ResNetWeights.Initialize(plan, 1), preprocessing, OnnxElementType.UInt8, new OnnxExportOptions(), []).WriteTo(file);

        OnnxRuntimeLog.Warnings.Clear();
        using var options = new SessionOptions { LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_WARNING };
        using var session = new InferenceSession(file.ToArray(), options);

        Assert.Empty(OnnxRuntimeLog.Warnings);
        Assert.Equal([-1, 3, 2 * plan.Input.Height, 2 * plan.Input.Width], session.InputMetadata["pixels"].Dimensions);
        Assert.Equal([-1, 2], session.OutputMetadata["probabilities"].Dimensions);
    }
}
