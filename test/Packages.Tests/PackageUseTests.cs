using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Packages.Tests;

[Collection(PackageCollection.Name)]
public sealed class PackageUseTests(PackageFeed feed)
{
    [Fact]
    public void AStrangersProjectTrainsAndAnotherPredictsWithNothingOfOurs()
    {
        var images = feed.File("images");
        Pictures.Write(images, perClass: 20, height: 16, width: 16);

        Assert.Empty(feed.Warnings("Train"));
        var trained = feed.Run("Train", images, feed.File("model.zip")).Lines;
        var files = Directory.GetFiles(images, "*.png", SearchOption.AllDirectories).Order(StringComparer.Ordinal).ToArray();
        var predicted = feed.Run("Predict", [feed.File("model.zip"), .. files]).Lines;

        var accuracy = double.Parse(trained[0].Split('\t')[1], System.Globalization.CultureInfo.InvariantCulture);
        Assert.True(accuracy > 0.5, $"It is right for {accuracy:p0} of the images that it was trained on, where chance is a third.");
        Assert.Equal(60, predicted.Length);
        Assert.Equal(trained[1..].Order(StringComparer.Ordinal), predicted.Order(StringComparer.Ordinal));
        Assert.DoesNotContain(Directory.GetFiles(feed.Output("Predict"), "*", SearchOption.AllDirectories).Select(Path.GetFileName),
            name =>
                name!.Contains("ResNet", StringComparison.OrdinalIgnoreCase) || name.Contains("torch", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public void AnApplicationIsToldOnceWhichNativePackagesItMisses()
    {
        var warnings = feed.Warnings("Application");

        Assert.Equal(2, warnings.Length);
        var libtorch = Assert.Single(warnings, line => line.Contains("RESNET001", StringComparison.Ordinal));
        Assert.Contains(PackageFeed.Reference($"libtorch-cpu-{PackageFeed.Platform}"), libtorch);
        Assert.Contains(
            PackageFeed.Reference("Microsoft.ML.OnnxRuntime"),
            Assert.Single(warnings, line => line.Contains("RESNET002", StringComparison.Ordinal)));
        Assert.Empty(feed.Warnings("Library"));
        Assert.Empty(feed.Warnings("Unchecked"));
        Assert.Contains(
            "libtorch-cpu-osx-arm64",
            Assert.Single(feed.Warnings("OnMac"), line => line.Contains("RESNET001", StringComparison.Ordinal)));
    }

    [Fact]
    public void AnApplicationOfTheCoreIsAskedForOnnxRuntimeOnly()
    {
        Assert.Contains("RESNET002", Assert.Single(feed.Warnings("Score")));
        Assert.Empty(feed.Warnings("ScoreWithRuntime"));
        Assert.Empty(feed.Warnings("ScoreOnWindows"));
    }
}
