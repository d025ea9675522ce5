using Microsoft.ML;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.TestSupport;

namespace WebApp.Tests.Hosting;

/// <summary>Saves small networks with weights that nobody trained: what they say is nonsense, but each image has its own.</summary>
internal static class TestModel
{
    public static readonly string[] ClassNames = ["lying", "standing", "diagonal", "dotted", "plain", "<b>bold</b>"];

    private static readonly ResNetArchitecture s_tiny = new("tiny", BlockKind.Basic, [1, 1])
    {
        Stem = StemKind.SmallImage,
        Shortcut = ShortcutKind.A,
        BaseWidth = 8,
    };

    /// <summary>Saves a model as QuickStart does: it starts from the path of a file, and has stages that only training needs.</summary>
    public static void Save(string path, int seed = 1, string imageColumn = "Image")
    {
        var ml = new MLContext(seed: 1);
        var shape = new ImageShape(3, 16, 16);
        var plan = LayerPlan.Create(s_tiny, shape, ClassNames.Length);
        var preprocessing = new ImagePreprocessing(shape, [120, 120, 120], [60, 60, 60]);
        using var folder = new TemporaryFolder();
        Pictures.Write(folder.Path, perClass: 1, height: 16, width: 16);
        var files = ml.Data.LoadImageFolder(folder.Path);
        var pipeline = ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(ml.Transforms.LoadImages(imageColumn, null, "ImagePath"))
            .Append(ml.Transforms.ApplyResNet(Weights(plan, seed), s_tiny, ClassNames, imageColumn, preprocessing))
            .Append(ml.Transforms.Conversion.MapKeyToValue("PredictedLabelText", "PredictedLabel"));
        using var model = pipeline.Fit(files);
        ml.Model.Save(model, files.Schema, path);
    }

    // With its fresh head, a network says nearly the same of every image.
    private static ResNetWeights Weights(LayerPlan plan, int seed) => new(ResNetWeights.Initialize(plan, seed).Tensors.Select(tensor =>
        tensor.Name == "fc.weight"
            ? new WeightTensor(tensor.Name, tensor.Shape, Array.ConvertAll(tensor.Values.ToArray(), value => 3 * value))
            : tensor));
}
