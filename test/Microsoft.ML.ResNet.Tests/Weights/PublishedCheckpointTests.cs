using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Tests.Weights;

/// <summary>Real checkpoints, which only developers have.</summary>
public sealed class PublishedCheckpointTests
{
    private static readonly LayerPlan ResNet20 = LayerPlan.Create(ResNetArchitecture.ResNet20, new ImageShape(3, 32, 32), 10);

    [SkippableTheory]
    [InlineData("pth")]
    [InlineData("safetensors")]
    public void EveryFormatGivesTheSameTensors(string extension)
    {
        var expected = ResNetWeights.Load(Repository.Shared("weights/resnet20-12fca82f.th"));

        var actual = ResNetWeights.Load(Repository.Shared($"weights/resnet20-12fca82f.{extension}"));

        WeightsAssert.Same(expected.For(ResNet20), actual.For(ResNet20));
    }

    [SkippableFact]
    public void AnotherDepthIsRefusedByItsName()
    {
        var weights = ResNetWeights.Load(Repository.Shared("weights/resnet56-4bfd9763.th"));

        var message = Assert.Throws<ArgumentException>(() => weights.For(ResNet20)).Message;

        Assert.Contains("not those of resnet20 (10 classes, 3 channels)", message);
        Assert.Contains("180 unexpected: 'layer1.3.conv1.weight' [16, 16, 3, 3]; ", message);
        Assert.Contains("They fit resnet56 (10 classes, 3 channels), plain56 (10 classes, 3 channels).", message);
    }

    [SkippableFact]
    public void AHeadOfOtherClassesIsLeftOutWhenAsked()
    {
        var weights = ResNetWeights.Load(Repository.Shared("weights/resnet20-12fca82f.th"));
        var plan = LayerPlan.Create(ResNetArchitecture.ResNet20, new ImageShape(3, 32, 32), 7);

        Assert.Equal(
            plan.Weights.Select(spec => spec.Name).SkipLast(2), weights.For(plan, strict: false).Tensors.Select(tensor => tensor.Name));
        Assert.Contains("'fc.weight' is [10, 64], must be [7, 64]", Assert.Throws<ArgumentException>(() => weights.For(plan)).Message);
    }

    [SkippableTheory]
    [InlineData("th")]
    [InlineData("pth")]
    [InlineData("safetensors")]
    public void CutAtAnyKilobyteItIsRefused(string extension)
    {
        var file = File.ReadAllBytes(Repository.Shared($"weights/resnet20-12fca82f.{extension}"));
        for (var length = 0; length < file.Length; length += 1024)
        {
            WeightsAssert.Refused(file[..length]);
        }
    }
}
