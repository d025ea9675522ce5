using System.Text.Json;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Tests.Architecture;

public sealed class LayerPlanTests
{
    /// <summary>Stages and blocks are those of the layers' names, in every network.</summary>
    [Fact]
    public void LayersKnowTheirStageAndBlock()
    {
        foreach (var architecture in ResNetArchitecture.All)
        {
            var size = architecture.MinimumImageSize;
            var plan = LayerPlan.Create(architecture, new ImageShape(3, size, size), 10);
            var stages = architecture.Depths.Length;
            var blocks = plan.Layers.Select(BlockName).Distinct().ToArray();

            Assert.Equal(plan.Layers.Select(layer => StageByName(layer, stages)), plan.Layers.Select(layer => layer.Stage));
            Assert.Equal(plan.Layers.Select(layer => Array.IndexOf(blocks, BlockName(layer))), plan.Layers.Select(layer => layer.Block));
        }

        static int StageByName(Layer layer, int stages) => layer.Name switch
        {
            ['l', 'a', 'y', 'e', 'r', var digit, '.', ..] => digit - '0',
            "norm" or "relu_last" => stages,
            "avgpool" or "fc" => stages + 1,
            _ => 0,
        };

        static string BlockName(Layer layer) => layer.Name switch
        {
            ['l', 'a', 'y', 'e', 'r', ..] name => string.Join('.', name.Split('.').Take(2)),
            "norm" or "relu_last" or "avgpool" => "last",
            "fc" => "head",
            _ => "stem",
        };
    }

    [Fact]
    public void LayersKnowTheirReaders()
    {
        var plan = Plan("seresnet50", 64, 10);

        Assert.Equal(
            plan.Layers.Index().SelectMany(layer => layer.Item.Inputs.Select(input => (input, layer.Index))).Order(),
            plan.Readers.Index().SelectMany(read => read.Item.Select(reader => (read.Index, reader))));
        Assert.Empty(plan.Readers[^1]);
        Assert.Equal([LayerPlan.HeadWeight, LayerPlan.HeadBias], plan.Head.Weights.Select(weight => weight.Name));
    }

    // He et al. (2016), table 6, with the exact counts that option A and batch normalization come to.
    [Theory]
    [InlineData("resnet20", 269_722)]
    [InlineData("resnet32", 464_154)]
    [InlineData("resnet44", 658_586)]
    [InlineData("resnet56", 853_018)]
    [InlineData("resnet110", 1_727_962)]
    [InlineData("resnet1202", 19_421_274)]
    [InlineData("plain20", 269_722)]
    [InlineData("plain56", 853_018)]
    public void CountsTheParametersOfTheCifarNetworks(string name, long parameters) =>
        Assert.Equal(parameters, Plan(name, 32, 10).ParameterCount);

    // torchvision's and timm's published counts; plain networks lack the projections.
    [Theory]
    [InlineData("resnet18", 11_689_512)]
    [InlineData("resnet34", 21_797_672)]
    [InlineData("resnet50", 25_557_032)]
    [InlineData("resnet101", 44_549_160)]
    [InlineData("resnet152", 60_192_808)]
    [InlineData("resnext50_32x4d", 25_028_904)]
    [InlineData("resnext101_32x8d", 88_791_336)]
    [InlineData("resnext101_64x4d", 83_455_272)]
    [InlineData("wide_resnet50_2", 68_883_240)]
    [InlineData("wide_resnet101_2", 126_886_696)]
    [InlineData("resnet50d", 25_576_264)]
    [InlineData("seresnet50", 28_088_024)]
    [InlineData("plain18", 11_689_512 - (128 * 64 + 256) - (256 * 128 + 512) - (512 * 256 + 1024))]
    public void CountsTheParametersOfTheImageNetNetworks(string name, long parameters) =>
        Assert.Equal(parameters, Plan(name, 224, 1000).ParameterCount);

    [Theory]
    [InlineData("resnet20", 32, 10, 0.04055)]
    [InlineData("resnet56", 32, 10, 0.12549)]
    [InlineData("resnet18", 224, 1000, 1.8)]
    [InlineData("resnet34", 224, 1000, 3.6)]
    [InlineData("resnet50", 224, 1000, 4.1)]
    public void CountsMultiplyAddsAsThePaperDoes(string name, int size, int classes, double billions) =>
        Assert.Equal(billions, Plan(name, size, classes).MultiplyAdds / 1e9, tolerance: billions * 0.03);

    [Theory]
    [InlineData("resnet50", 3.8)]
    [InlineData("resnet101", 7.6)]
    [InlineData("resnet152", 11.3)]
    public void WithTheStrideInTheFirstConvolutionCountsWhatThePaperSays(string name, double billions)
    {
        var middle = ResNetArchitecture.Parse(name);
        var first = middle with { BottleneckStride = BottleneckStride.First };

        var plan = LayerPlan.Create(first, new ImageShape(3, 224, 224), 1000);

        Assert.Equal(billions, plan.MultiplyAdds / 1e9, tolerance: billions * 0.02);
        Assert.Equal(Plan(name, 224, 1000).ParameterCount, plan.ParameterCount);
    }

    [Fact]
    public void ShortcutsDifferWhereThePaperSays()
    {
        long Parameters(ShortcutKind kind) =>
            LayerPlan.Create(ResNetArchitecture.ResNet20 with { Shortcut = kind }, new ImageShape(3, 32, 32), 10).ParameterCount;

        // B projects where dimensions change: 16 to 32 and 32 to 64. C projects in every block: 3 of each width.
        Assert.Equal(Parameters(ShortcutKind.None), Parameters(ShortcutKind.A));
        Assert.Equal(Parameters(ShortcutKind.A) + (16 * 32 + 64) + (32 * 64 + 128), Parameters(ShortcutKind.B));
        Assert.Equal(
            Parameters(ShortcutKind.B) + 3 * (16 * 16 + 32) + 2 * (32 * 32 + 64) + 2 * (64 * 64 + 128), Parameters(ShortcutKind.C));
    }

    [SkippableTheory]
    [InlineData("resnet18")]
    [InlineData("resnet34")]
    [InlineData("resnet50")]
    [InlineData("resnet101")]
    [InlineData("resnet152")]
    [InlineData("resnext50_32x4d")]
    [InlineData("wide_resnet101_2")]
    public void NamesWeightsInTheOrderOfTorchvision(string name)
    {
        using var reference = JsonDocument.Parse(File.ReadAllBytes(Repository.Shared("reference/imagenet_networks.json")));
        var keys = reference.RootElement.GetProperty("networks").GetProperty(name).GetProperty("state_dict_keys");
        var names = Plan(name, 224, 1000).Weights.Select(weight => weight.Name).ToArray();

        // For some networks the reference has the number of keys only.
        if (keys.ValueKind == JsonValueKind.Array)
        {
            Assert.Equal(keys.EnumerateArray().Select(key => key.GetString()), names);
        }
        else
        {
            Assert.Equal(keys.GetInt32(), names.Length);
        }
    }

    [Fact]
    public void EveryLayerReadsEarlierOnesAndEndsInAPixelOrMore()
    {
        foreach (var architecture in ResNetArchitecture.All.Where(each => each.Depths.Sum() < 100))
        {
            var side = architecture.MinimumImageSize;
            var plan = LayerPlan.Create(architecture, new ImageShape(1, side, side), 2);

            for (var i = 0; i < plan.Layers.Length; i++)
            {
                Assert.All(plan.Layers[i].Inputs, input => Assert.InRange(input, 0, i - 1));
                Assert.True(plan.Layers[i].Output.Size > 0);
            }

            Assert.Equal(plan.Layers.Length, plan.Layers.Select(layer => layer.Name).Distinct().Count());
        }
    }

    [Fact]
    public void RefusesImagesThatTheNetworkHalvesToNothing()
    {
        var exception =
            Assert.Throws<ArgumentOutOfRangeException>(() => LayerPlan.Create(ResNetArchitecture.ResNet18, new ImageShape(3, 40, 16), 2));

        Assert.Contains("resnet18 halves its input 5 times", exception.Message);
        Assert.Contains("at least 32×32", exception.Message);
        Assert.Contains("40×16", exception.Message);
        Assert.Contains("such as resnet20", exception.Message);
    }

    [Fact]
    public void ANetworkThatIsTooLargeItselfIsNotRecommended()
    {
        var exception = Assert.Throws<ArgumentOutOfRangeException>(() =>
            LayerPlan.Create(ResNetArchitecture.ResNet20, new ImageShape(3, 3, 3), 2));

        Assert.Contains("Give a larger InputShape.", exception.Message);
        Assert.DoesNotContain("such as", exception.Message);
    }

    // Page (2018) counts 6,573,120 for his, whose head has no bias.
    [Theory]
    [InlineData(64, 6_573_120 + 10)]
    [InlineData(32, 1_646_122)]
    public void CountsTheParametersOfResNet9(int width, long parameters) =>
        Assert.Equal(
            parameters,
            LayerPlan.Create(ResNetArchitecture.ResNet9 with { BaseWidth = width }, new ImageShape(3, 32, 32), 10).ParameterCount);

    [Fact]
    public void PooledStagesDoubleAndHalveFromTheFirstOn()
    {
        var plan = LayerPlan.Create(ResNetArchitecture.ResNet9, new ImageShape(3, 32, 32), 10);

        Assert.Equal(
            [new ImageShape(64, 16, 16), new ImageShape(128, 8, 8), new ImageShape(256, 4, 4)],
            plan.Layers.OfType<MaxPoolLayer>().Select(pool => pool.Output));
        Assert.Equal(["layer1.0.add", "layer3.0.add"], plan.Layers.OfType<AddLayer>().Select(add => add.Name));
        Assert.Equal(8, ResNetArchitecture.ResNet9.MinimumImageSize);
    }

    [Fact]
    public void RefusesAnEmptyStage() =>
        Assert.Throws<ArgumentException>(
            () => LayerPlan.Create(new ResNetArchitecture("mine", BlockKind.Basic, [2, 0]), new ImageShape(3, 64, 64), 2));

    [Theory]
    [InlineData(BlockKind.Bottleneck)]
    [InlineData(BlockKind.PreActivationBasic)]
    public void RefusesPooledStagesOfOtherThanBasicBlocks(BlockKind block)
    {
        var exception = Assert.Throws<ArgumentException>(
            () => LayerPlan.Create(ResNetArchitecture.ResNet9 with { Block = block }, new ImageShape(3, 32, 32), 10));

        Assert.Contains($"blocks of kind {block}", exception.Message);
    }

    private static LayerPlan Plan(string name, int size, int classes) =>
        LayerPlan.Create(ResNetArchitecture.Parse(name), new ImageShape(3, size, size), classes);
}
