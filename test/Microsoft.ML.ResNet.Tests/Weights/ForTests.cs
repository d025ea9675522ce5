namespace Microsoft.ML.ResNet.Tests.Weights;

/// <summary>Which weights a network takes, and what it says about others.</summary>
public sealed class ForTests
{
    private static readonly ImageShape Input = new(3, 32, 32);
    private static readonly LayerPlan Plan = LayerPlan.Create(ResNetArchitecture.ResNet20, Input, 10);
    private static readonly ResNetWeights Weights = ResNetWeights.Initialize(Plan, seed: 1);

    [Fact]
    public void GivesThePlansOrder()
    {
        var shuffled = new ResNetWeights(Weights.Tensors.Reverse())
        {
            ClassNames = ["a"],
            Preprocessing = new ImagePreprocessing(Input, [0, 0, 0], [1, 1, 1]),
        };

        var fitted = shuffled.For(Plan);

        Assert.Equal(Plan.Weights.Select(spec => spec.Name), fitted.Tensors.Select(tensor => tensor.Name));
        Assert.Equal(shuffled.ClassNames, fitted.ClassNames);
        Assert.Same(shuffled.Preprocessing, fitted.Preprocessing);
        Assert.Equal("resnet20", fitted.ArchitectureName);
    }

    [Fact]
    public void ListsAllThatIsWrongAtOnce()
    {
        var weights = new ResNetWeights(
        [
            .. Weights.Tensors.Where(tensor => !tensor.Name.StartsWith("layer1.0.bn", StringComparison.Ordinal)
                && tensor.Name != "conv1.weight" && !tensor.Name.StartsWith("layer2", StringComparison.Ordinal)),
            new WeightTensor("conv1.weight", [16, 3, 7, 7], new float[16 * 3 * 7 * 7]),
            new WeightTensor("extra", [2], new float[2]),
        ]);

        var message = Assert.Throws<ArgumentException>(() => weights.For(Plan)).Message;

        Assert.StartsWith(
            "The weights are not those of resnet20 (10 classes, 3 channels). 38 missing: 'layer1.0.bn1.weight' [16]; ", message);
        Assert.Contains("'layer2.0.bn1.weight' [32]; ….", message);
        Assert.DoesNotContain("'layer2.0.bn1.bias'", message);
        Assert.Contains(" 1 unexpected: 'extra' [2].", message);
        Assert.Contains(" 1 of another shape: 'conv1.weight' is [16, 3, 7, 7], must be [16, 3, 3, 3].", message);
        Assert.DoesNotContain("They fit", message);
    }

    [Fact]
    public void FoldedNormalizationIsNamedAsTheCause()
    {
        var folded = new ResNetWeights(
        [
            .. Weights.Tensors.Where(tensor => !tensor.Name.Contains("bn", StringComparison.Ordinal)),
            .. Plan.Layers.OfType<ConvolutionLayer>().Select(layer =>
                new WeightTensor($"{layer.Name}.bias", [layer.Output.Channels], new float[layer.Output.Channels])),
        ]);

        var message = Assert.Throws<ArgumentException>(() => folded.For(Plan)).Message;

        Assert.Contains("folded into the convolutions, as an ONNX export with FoldBatchNorm writes it", message);
        Assert.DoesNotContain("missing", message);
    }

    [Theory]
    [InlineData("resnet18", 1000, 3, "resnet18 (1000 classes, 3 channels).")]
    [InlineData("resnet34", 5, 1, "resnet34 (5 classes, 1 channels).")]
    [InlineData("resnet32", 100, 4, "resnet32 (100 classes, 4 channels), plain32 (100 classes, 4 channels).")]
    [InlineData("resnet50", 7, 3, "resnet50 (7 classes, 3 channels), resnet50_v1 (7 classes, 3 channels).")]
    [InlineData("resnet50d", 7, 1, "resnet50d (7 classes, 1 channels).")]
    [InlineData("plain18", 3, 3, "plain18 (3 classes, 3 channels).")]
    public void SaysWhichRowWouldFit(string name, int classes, int channels, string fitting)
    {
        var row = ResNetArchitecture.Parse(name);
        var weights = AnyWeights.For(LayerPlan.Create(row, new ImageShape(channels, 32, 32), classes));

        Assert.Contains($" They fit {fitting}", Assert.Throws<ArgumentException>(() => weights.For(Plan)).Message);
    }

    [Fact]
    public void AHeadOfOtherClassesIsRefusedOrLeftOut()
    {
        var plan = LayerPlan.Create(ResNetArchitecture.ResNet20, Input, 100);
        var named = new ResNetWeights(Weights.Tensors) { ClassNames = ["a"] };

        var message = Assert.Throws<ArgumentException>(() => named.For(plan)).Message;
        var withoutHead = named.For(plan, strict: false);

        Assert.Contains("2 of another shape: 'fc.weight' is [10, 64], must be [100, 64]; 'fc.bias' is [10], must be [100].", message);
        Assert.Contains("They fit resnet20 (10 classes, 3 channels), plain20", message);
        Assert.Contains("(strict: false)", message);
        Assert.Equal(plan.Weights.Select(spec => spec.Name).SkipLast(2), withoutHead.Tensors.Select(tensor => tensor.Name));
        Assert.Empty(withoutHead.ClassNames);
        Assert.Equal(12, named.For(Plan, strict: false)["fc.bias"].Values.Length + 2); // a head that fits stays
    }

    [Fact]
    public void AMissingHeadIsRefusedOrForgiven()
    {
        var headless = new ResNetWeights(Weights.Tensors.SkipLast(2));

        Assert.Contains(
            "2 missing: 'fc.weight' [10, 64]; 'fc.bias' [10].", Assert.Throws<ArgumentException>(() => headless.For(Plan)).Message);
        Assert.Contains(
            "They fit resnet20 (no head, 3 channels), plain20", Assert.Throws<ArgumentException>(() => headless.For(Plan)).Message);
        Assert.Equal(headless.Tensors.Length, headless.For(Plan, strict: false).For(Plan, strict: false).Tensors.Length);
    }

    [Fact]
    public void NothingButTheHeadIsForgiven()
    {
        var plan = LayerPlan.Create(ResNetArchitecture.ResNet20, Input, 100);

        Refused(new ResNetWeights(Weights.Tensors.Append(new WeightTensor("extra", [2], new float[2]))));
        Refused(new ResNetWeights(Weights.Tensors.Where(tensor => tensor.Name != "fc.bias")));
        Refused(new ResNetWeights(
            Weights.Tensors.Select(tensor => tensor.Name == "fc.bias" ? new WeightTensor("fc.bias", [9], new float[9]) : tensor)));
        Refused(ResNetWeights.Initialize(LayerPlan.Create(ResNetArchitecture.ResNet20, Input with { Channels = 1 }, 10), seed: 1));

        void Refused(ResNetWeights weights) => Assert.Throws<ArgumentException>(() => weights.For(plan, strict: false));
    }
}
