using Microsoft.ML.Data;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Trainers.Tests.Networks;

namespace Microsoft.ML.ResNet.Trainers.Tests.Analysis;

/// <summary>Classifiers with random weights whose probabilities differ from class to class, and images for them.</summary>
internal static class Classifiers
{
    public static readonly string[] ClassNames = ["lying", "standing", "diagonal"];

    /// <summary>Makes preprocessing with a mean and a deviation for each channel.</summary>
    public static ImagePreprocessing Preprocessing(ImageShape shape) => new(
        shape,
        [.. Enumerable.Range(0, shape.Channels).Select(channel => 100f + 10 * channel)],
        [.. Enumerable.Repeat(60f, shape.Channels)]);

    /// <summary>Makes a classifier.</summary>
    public static ResNetClassificationTransformer Create(MLContext ml, IDataView data, ImagePreprocessing preprocessing,
        ResNetArchitecture? architecture = null, string imageColumn = "Image")
    {
        architecture ??= TrainingData.Tiny;
        var weights = ResidualNetworkTests.RandomWeights(LayerPlan.Create(architecture, preprocessing.Input, ClassNames.Length));

        // Logits a few units apart, as a trained network's are: nearly equal probabilities would compare nothing.
        weights = new ResNetWeights(weights.Tensors.Select(tensor => tensor.Name == "fc.weight" ? tensor.Scaled(20) : tensor));
        return ml.Transforms.ApplyResNet(weights, architecture, ClassNames, imageColumn, preprocessing).Fit(data);
    }

    /// <summary>Writes images, one folder per class, and reads them with a key for a label.</summary>
    public static IDataView Images(MLContext ml, TemporaryFolder folder, int height, int width, int perClass = 3)
    {
        Pictures.Write(folder.Path, perClass, height, width);
        return Labeled(ml, folder.Path);
    }

    /// <summary>Reads a folder of images with a key for a label, in the order of <see cref="ClassNames"/>.</summary>
    public static IDataView Labeled(MLContext ml, string folder, string[]? classNames = null)
    {
        var files = ml.Data.LoadImageFolder(folder);
        var keys = ml.Data.LoadFromEnumerable((classNames ?? ClassNames).Select(name => new ClassName { Label = name }));
        return ml.Transforms.Conversion.MapValueToKey("Label", keyData: keys)
            .Append(ml.Transforms.LoadImages("Image", null, "ImagePath"))
            .Fit(files)
            .Transform(files);
    }

    public static float[][] Scores(IDataView scored) => [.. scored.GetColumn<float[]>("Score")];

    public static void AssertClose(float[][] expected, float[][] actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        Assert.All(
            expected.Zip(actual), row => Assert.All(row.First.Zip(row.Second), pair => Assert.Equal(pair.First, pair.Second, tolerance)));
    }

    private sealed class ClassName
    {
        public string Label { get; set; } = "";
    }
}
