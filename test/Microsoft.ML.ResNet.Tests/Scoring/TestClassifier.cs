using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Interop;
using Microsoft.ML.ResNet.Onnx;
using Microsoft.ML.ResNet.Scoring;


namespace Microsoft.ML.ResNet.Tests.Scoring;

/// <summary>Makes classifiers with untrained weights.</summary>
internal static class TestClassifier
{
    public static readonly ImageShape Shape = new(3, 8, 8);

    /// <summary>The smallest network with all kinds of layer of its family.</summary>
    public static readonly ResNetArchitecture Tiny = new("tiny", BlockKind.Basic, [1, 1])
    {
        Stem = StemKind.SmallImage,
        Shortcut = ShortcutKind.A,
        BaseWidth = 4,
    };

    public static ResNetClassificationTransformer Create(MLContext ml, IDataView data, string imageColumn, ImageShape? shape = null,
        ResNetArchitecture? architecture = null, int supersampling = 1)
    {
        architecture ??= Tiny;
        var image = ImageColumn.Bind(data.Schema, imageColumn, shape ?? Shape, architecture.DefaultImageSize);
        var label = LabelColumn.Bind(data.Schema, "Label");
        var plan = LayerPlan.Create(architecture, image.Shape, label.ClassCount);
        float[] perChannel = [.. Enumerable.Range(0, image.Shape.Channels).Select(channel => 100f + 10 * channel)];
        var preprocessing = new ImagePreprocessing(image.Shape, [.. perChannel], [.. perChannel]) { Supersampling = supersampling };
        var network = new ResNetModel(plan, ResNetWeights.Initialize(plan, seed: 3), preprocessing);
        return ResNetClassificationTransformer.Create(ml.Transforms.GetEnvironment(), data, image, label, network, new TrainingHistory());
    }
}
