using Microsoft.ML.Data;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Tests.Scoring;

/// <summary>Photographs are scored row by row, several at once; the features and their order are those of a saved model.</summary>
public sealed class FeaturizingPhotographsTests
{
    [Fact]
    public void FeaturesAndTheirOrderAreThoseOfASavedModel()
    {
        using var folder = new TemporaryFolder();
        Pictures.Write(folder["photos"], perClass: 5, height: 130, width: 150);
        var ml = new MLContext(seed: 1);
        var files = ml.Data.LoadImageFolder(folder["photos"]);
        var images = ml.Transforms.LoadImages("Image", null, "ImagePath").Fit(files).Transform(files);
        var plan = LayerPlan.Create(
            new ResNetArchitecture("small", BlockKind.Basic, [1, 1]) { BaseWidth = 8 }, new ImageShape(3, 128, 128), classCount: 3);
        var preprocessing = new ImagePreprocessing(plan.Input, [100, 110, 120], [50, 60, 70]);
        using var featurizer = ml.Transforms.ResNetFeaturizeImage(
            GoldenNetworks.Weights(plan), plan.Architecture, preprocessing: preprocessing).Fit(images);
        ml.Model.Save(featurizer, images.Schema, folder["model.zip"]);

        var features = Features(featurizer.Transform(images));

        var saved = Features(ml.Model.Load(folder["model.zip"], out _).Transform(images));
        Assert.Equal(15, features.Length);
        Assert.True(features.Select(each => each[0]).Distinct().Count() > 10, "the images are all the same, which shows nothing");
        Assert.All(features.Zip(saved), pair => Assert.Equal(pair.First, pair.Second));
    }

    [Fact]
    public void AnotherColumnIsRefusedAsEver()
    {
        var ml = new MLContext(seed: 1);
        using var folder = new TemporaryFolder();
        Pictures.Write(folder["photos"], perClass: 1, height: 130, width: 130);
        var files = ml.Data.LoadImageFolder(folder["photos"]);
        var images = ml.Transforms.LoadImages("Image", null, "ImagePath").Fit(files).Transform(files);
        var plan = LayerPlan.Create(
            new ResNetArchitecture("small", BlockKind.Basic, [1]) { BaseWidth = 8 }, new ImageShape(3, 128, 128), classCount: 3);
        using var featurizer = ml.Transforms.ResNetFeaturizeImage(
            GoldenNetworks.Weights(plan), plan.Architecture, preprocessing: Identity(plan.Input)).Fit(images);

        Assert.ThrowsAny<ArgumentException>(() => featurizer.Transform(files));
    }

    private static ImagePreprocessing Identity(ImageShape input) => new(input, [0, 0, 0], [1, 1, 1]);

    private static float[][] Features(IDataView data) => [.. data.GetColumn<float[]>("Features")];
}
