using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Tests.Weights;

public sealed class PublishedWeightsTests
{
    [Fact]
    public void EveryRowIsNamedOnceAndItsFileCarriesItsHash()
    {
        Assert.Equal(PublishedWeights.All.Length, PublishedWeights.All.Select(weights => weights.Name).Distinct().Count());
        Assert.All(PublishedWeights.All, weights => Assert.Contains(weights.Sha256Prefix, weights.FileName));
        Assert.Contains("resnet18.imagenet1k_v1", Assert.Throws<ArgumentException>(() => PublishedWeights.Parse("resnet19")).Message);
    }

    [SkippableFact]
    public void LoadsACachedCheckpointWithItsPreprocessing()
    {
        using var folder = new TemporaryFolder();
        File.Copy(Repository.Shared("weights/resnet20-12fca82f.th"), folder["resnet20-12fca82f.th"]);

        var weights = ResNetWeights.Download("resnet20.cifar10", folder: folder.Path);

        Assert.Equal(ImagePreprocessing.Cifar10, weights.Preprocessing);
        Assert.Equal([10, 64], weights["fc.weight"].Shape.AsEnumerable());
    }
}
