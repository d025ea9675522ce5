using System.Buffers.Binary;
using System.Text.Json;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Tests.Weights;

public sealed class SaveTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void WhatIsSavedLoadsBitForBit()
    {
        float[] odd = [float.NaN, float.PositiveInfinity, -0f, float.Epsilon, float.MaxValue];
        var weights = new ResNetWeights([.. WeightsAssert.Small().Tensors, new WeightTensor("odd", [5], odd),
            new WeightTensor("scalar", [], new float[1]), new WeightTensor("empty", [0], default)]);

        weights.Save(_folder["weights"]);

        WeightsAssert.Same(weights, ResNetWeights.Load(_folder["weights"]));
    }

    [Fact]
    public void PreprocessingClassNamesAndTheNetworksNameAreKept()
    {
        var weights = new ResNetWeights(WeightsAssert.Small().Tensors)
        {
            Preprocessing = new ImagePreprocessing(new ImageShape(3, 32, 48), [125.3f, 123, 113.9f], [63, 62.1f, 66.7f])
            {
                Supersampling = 2,
                CropBorder = 3,
            },
            ClassNames = ["cat", "\"dog\"", "Füchse 🦊"],
            ArchitectureName = "plain20",
        };

        weights.Save(_folder["weights"]);
        var loaded = ResNetWeights.Load(_folder["weights"]);

        Assert.Equal(weights.ClassNames.AsEnumerable(), loaded.ClassNames);
        WeightsAssert.Same(weights.Preprocessing, loaded.Preprocessing);
        Assert.Equal("plain20", loaded.ArchitectureName);
    }

    [Theory]
    [InlineData(BlockKind.Basic, 4, 1, 64, 0, ShortcutKind.B, TransitionKind.Strided)]
    [InlineData(BlockKind.Basic, 4, 1, 64, 2, ShortcutKind.A, TransitionKind.Pooled)]
    [InlineData(BlockKind.PreActivationBottleneck, 8, 2, 32, 4, ShortcutKind.D, TransitionKind.Strided)]
    public void ANetworkThatIsNoRowOfTheTableComesBack(
        BlockKind block, int width, int groups, int widthPerGroup, int reduction, ShortcutKind shortcut, TransitionKind transition)
    {
        var network = new ResNetArchitecture("mine", block, [1, 2])
        {
            BaseWidth = width,
            Groups = groups,
            WidthPerGroup = widthPerGroup,
            SqueezeReduction = reduction,
            Shortcut = shortcut,
            Transition = transition,
            BottleneckStride = BottleneckStride.First,
            Stem = StemKind.Deep,
        };
        var plan = LayerPlan.Create(network, new ImageShape(3, 64, 64), classCount: 3);

        ResNetWeights.Initialize(plan, seed: 1).For(plan).Save(_folder["weights"]);
        var loaded = ResNetWeights.Load(_folder["weights"]);

        Assert.Equal(network with { Depths = [] }, loaded.Architecture! with { Depths = [] });
        Assert.Equal([1, 2], loaded.Architecture!.Depths.AsEnumerable());
    }

    [Fact]
    public void ANetworkThatTheTensorsAreNotThoseOfIsNotTold()
    {
        var small = WeightsAssert.Small();
        var other = ResNetArchitecture.ResNet18 with { Name = "other", Depths = [2, 2, 2, 3] };

        new ResNetWeights(small.Tensors) { ArchitectureName = other.Name, Architecture = other }.Save(_folder["weights"]);
        var loaded = ResNetWeights.Load(_folder["weights"]);

        Assert.Null(loaded.Architecture);
        WeightsAssert.Same(small, loaded);
    }

    [Theory]
    [InlineData("\\\"depths\\\":[2]", "\\\"depths\\\":[1000000]", "its stages have 1000000 blocks")]
    [InlineData("[2]", "[2,2,2,2,2,2,2,2,2]", "it has 9 stages")]
    [InlineData("\\\"Basic\\\"", "\\\"17\\\"", "its 'block' is none that is known")]
    [InlineData(":64,", ":2000000000,", "is 2000000000")]
    [InlineData("\\\"groups\\\"", "\\\"other\\\"", "it lacks 'groups'")]
    public void ANetworkThatCannotBeIsRefused(string part, string other, string why)
    {
        const string parts = """{\"block\":\"Basic\",\"depths\":[2],\"stem\":\"ImageNet\",\"shortcut\":\"B\",\"transition\":\"Strided\","""
            + """\"bottleneck_stride\":\"Middle\",\"base_width\":64,\"groups\":1,\"width_per_group\":64,\"squeeze_reduction\":0}""";
        Assert.Contains(part, parts);

        WeightsAssert.Says(why, SafetensorsText.File(
            "{\"__metadata__\":{\"architecture_parts\":\"" + parts.Replace(part, other, StringComparison.Ordinal)
                + "\"},\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
            dataLength: 8));
    }

    [Theory]
    [InlineData("")]
    [InlineData(
        "a text of more than two hundred characters: "
        + "........................................................................................"
        + "........................................................................................")]
    public void WhatOthersCallAnArchitectureIsNoReasonToRefuseAFile(string text)
    {
        File.WriteAllBytes(_folder["weights"], SafetensorsText.File(
            $"{{\"__metadata__\":{{\"architecture\":\"{text}\"}},\"w\":{{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}}}",
            dataLength: 8));

        Assert.Null(ResNetWeights.Load(_folder["weights"]).ArchitectureName);
    }

    [Fact]
    public void TheHeaderIsAsTheFormatWantsIt()
    {
        WeightsAssert.Small().Save(_folder["weights"]);
        var file = File.ReadAllBytes(_folder["weights"]);
        var length = (int)BinaryPrimitives.ReadInt64LittleEndian(file);
        using var header = JsonDocument.Parse(file.AsMemory(8, length));

        Assert.Equal(0, length % 8);
        Assert.Equal("""{"format":"pt"}""", header.RootElement.GetProperty("__metadata__").GetRawText());
        Assert.Equal(
            """{"dtype":"F32","shape":[4,3,3,3],"data_offsets":[0,432]}""", header.RootElement.GetProperty("conv1.weight").GetRawText());
        Assert.Equal(file.Length - 8 - length, header.RootElement.GetProperty("fc.bias").GetProperty("data_offsets")[1].GetInt32());
    }

    [Fact]
    public void AnExistingFileIsReplacedAndNothingElseIsLeft()
    {
        WeightsAssert.Small(seed: 1).Save(_folder["weights"]);
        WeightsAssert.Small(seed: 2).Save(_folder["weights"]);

        WeightsAssert.Same(WeightsAssert.Small(seed: 2), ResNetWeights.Load(_folder["weights"]));
        Assert.Single(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void AFileThatCannotBeReplacedIsLeftAlone()
    {
        Directory.CreateDirectory(_folder["weights/inside"]);

        Assert.ThrowsAny<Exception>(() => WeightsAssert.Small().Save(_folder["weights"]));

        Assert.Empty(Directory.GetFiles(_folder.Path));
        Assert.True(Directory.Exists(_folder["weights/inside"]));
    }

    [Fact]
    public void TheNameOfTheMetadataIsRefused()
    {
        var weights = new ResNetWeights([new WeightTensor("__metadata__", [1], new float[1])]);

        Assert.Throws<InvalidOperationException>(() => weights.Save(_folder["weights"]));
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }
}
