using System.Collections.Immutable;
using Microsoft.ML.ResNet.Onnx;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Tests.Weights;
using Microsoft.ML.ResNet.Weights;

namespace Microsoft.ML.ResNet.Tests.Graphs;

public sealed class NetworkRecognizerTests
{
    private static readonly Dictionary<string, ResNetArchitecture> Small = new ResNetArchitecture[]
    {
        new("basic", BlockKind.Basic, [2, 1]) { Stem = StemKind.SmallImage, BaseWidth = 8 },
        new("basic_a", BlockKind.Basic, [1, 2, 1]) { Stem = StemKind.SmallImage, BaseWidth = 8, Shortcut = ShortcutKind.A },
        new("basic_c", BlockKind.Basic, [1, 2]) { Stem = StemKind.ImageNet, BaseWidth = 8, Shortcut = ShortcutKind.C },
        new("basic_d", BlockKind.Basic, [2, 2]) { Stem = StemKind.Deep, BaseWidth = 8, Shortcut = ShortcutKind.D },
        new("plain", BlockKind.Basic, [2, 2]) { Stem = StemKind.SmallImage, BaseWidth = 8, Shortcut = ShortcutKind.None },
        new("bottleneck", BlockKind.Bottleneck, [1, 2]) { BaseWidth = 8 },
        new("bottleneck_v1", BlockKind.Bottleneck, [1, 2]) { BaseWidth = 8, BottleneckStride = BottleneckStride.First },
        new("bottleneck_d", BlockKind.Bottleneck, [1, 2]) { BaseWidth = 8, Stem = StemKind.Deep, Shortcut = ShortcutKind.D },
        new("plain_bottleneck", BlockKind.Bottleneck, [1, 2]) { BaseWidth = 8, Shortcut = ShortcutKind.None },
        new("resnext", BlockKind.Bottleneck, [2, 1]) { BaseWidth = 16, Groups = 4, WidthPerGroup = 32 },
        new("wide", BlockKind.Bottleneck, [2, 1]) { BaseWidth = 8, WidthPerGroup = 128 },
        new("se", BlockKind.Basic, [2, 1]) { Stem = StemKind.SmallImage, BaseWidth = 8, SqueezeReduction = 4 },
        new("se_d", BlockKind.Bottleneck, [1, 1]) { Stem = StemKind.Deep, BaseWidth = 8, SqueezeReduction = 4, Shortcut = ShortcutKind.D },
        new("v2", BlockKind.PreActivationBasic, [2, 1]) { Stem = StemKind.SmallImage, BaseWidth = 8 },
        new("v2_a", BlockKind.PreActivationBasic, [2, 1]) { Stem = StemKind.SmallImage, BaseWidth = 8, Shortcut = ShortcutKind.A },
        new("v2_c", BlockKind.PreActivationBasic, [2, 1]) { BaseWidth = 8, Shortcut = ShortcutKind.C },
        new("v2_d", BlockKind.PreActivationBottleneck, [1, 2]) { BaseWidth = 8, Shortcut = ShortcutKind.D, Stem = StemKind.Deep },
        new("v2_bottleneck", BlockKind.PreActivationBottleneck, [2, 2]) { Stem = StemKind.SmallImage, BaseWidth = 8 },
        new("v2_se", BlockKind.PreActivationBottleneck, [1, 1]) { Stem = StemKind.Deep, BaseWidth = 8, SqueezeReduction = 4 },
        new("pooled", BlockKind.Basic, [1, 0, 1]) { Stem = StemKind.SmallImage, Transition = TransitionKind.Pooled, BaseWidth = 8 },
    }.ToDictionary(architecture => architecture.Name);

    public static TheoryData<string> Networks => [.. Small.Keys];

    [Theory]
    [MemberData(nameof(Networks))]
    public void OwnExportsGiveBackTheirWeightsWithoutNames(string name)
    {
        var plan = Plan(Small[name]);
        var weights = GoldenNetworks.Weights(plan);
        var model = Nameless(OnnxGraphWriter.Classifier(
            new ResNetModel(plan, weights, GraphAssert.Identity(plan.Input)),
            OnnxElementType.Float,
            new OnnxExportOptions { Softmax = false, IncludePreprocessing = false },
            []));

        var read = GraphAssert.ComputesTheSame(GraphAssert.Bytes(model), plan);

        AssertSame(plan.Architecture, read.Architecture!);
        WeightsAssert.Same(weights, read);
        Assert.Null(read.Preprocessing);
        Assert.Empty(read.ClassNames);
    }

    [Theory]
    [MemberData(nameof(Networks))]
    public void FoldedExportsComputeTheSame(string name)
    {
        var plan = Plan(Small[name]);
        var model = Nameless(OnnxGraphWriter.Classifier(
            new ResNetModel(plan, GoldenNetworks.Weights(plan), GraphAssert.Identity(plan.Input)),
            OnnxElementType.Float,
            new OnnxExportOptions { Softmax = false, IncludePreprocessing = false, FoldBatchNorm = true, BatchSize = 1 },
            []));

        var read = GraphAssert.ComputesTheSame(GraphAssert.Bytes(model), plan);

        AssertSame(plan.Architecture, read.Architecture!);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public void PreprocessingIsReadFromTheGraph(bool isMeanImage, bool isChannelsLast)
    {
        var plan = Plan(Small["basic"]);
        ImmutableArray<float> mean = isMeanImage
            ? [.. Enumerable.Range(0, plan.Input.Size).Select(i => 100 + 20 * MathF.Sin(i))]
            : [120, 130, 90];
        var preprocessing = new ImagePreprocessing(plan.Input, mean, [50, 60, 70]) { CropBorder = 2, Supersampling = 2 };
        var network = new ResNetModel(plan, GoldenNetworks.Weights(plan), preprocessing);
        var model = OnnxGraphWriter.Classifier(
            network, OnnxElementType.Float, new OnnxExportOptions { Softmax = false, ChannelsLast = isChannelsLast }, []);

        var read = GraphAssert.ComputesTheSame(GraphAssert.Bytes(Nameless(model)), plan, inputScale: 255, isChannelsLast);

        Assert.Equal((2, 2, plan.Input), (read.Preprocessing!.CropBorder, read.Preprocessing.Supersampling, read.Preprocessing.Input));
        AssertNear(mean, read.Preprocessing.Mean);
        AssertNear(preprocessing.StandardDeviation, read.Preprocessing.StandardDeviation);
    }

    [Fact]
    public void AFileThatSaysMoreIsBelieved()
    {
        var plan = Plan(Small["basic"]);
        var preprocessing = new ImagePreprocessing(plan.Input, [120, 130, 90], [50, 60, 70]);
        var network = new ResNetModel(plan, GoldenNetworks.Weights(plan), preprocessing);
        var model = OnnxGraphWriter.Classifier(
            network,
            OnnxElementType.UInt8,
            new OnnxExportOptions { FoldBatchNorm = true, IncludePreprocessing = false },
            NetworkMetadata.Of(network, ["a", "b", "c", "d"]));

        var read = WeightsAssert.Read(GraphAssert.Bytes(model));

        Assert.Equal("basic", read.ArchitectureName);
        Assert.Equal(["a", "b", "c", "d"], read.ClassNames.AsEnumerable());
        WeightsAssert.Same(preprocessing, read.Preprocessing);
    }

    [Theory]
    [InlineData("resnet18")]
    [InlineData("resnet20")]
    [InlineData("resnet50_v1")]
    [InlineData("resnext50_32x4d")]
    [InlineData("resnet50d")]
    [InlineData("seresnet50")]
    [InlineData("resnet18_v2")]
    [InlineData("plain20")]
    [InlineData("resnet9")]
    public void RowsOfTheTableAreFoundByWhatTheyCompute(string name)
    {
        var plan = LayerPlan.Create(ResNetArchitecture.Parse(name), new ImageShape(3, 64, 64), 10);
        var network = new ResNetModel(plan, AnyWeights.For(plan), GraphAssert.Identity(plan.Input));
        var model = OnnxGraphWriter.Featurizer(network, OnnxElementType.Float, "x", "y", []);

        var read = WeightsAssert.Read(GraphAssert.Bytes(Nameless(model)));

        Assert.Same(plan.Architecture, read.Architecture);
        Assert.Equal(name, read.ArchitectureName);
        Assert.False(read.TryGet("fc.weight", out _));
    }

    [Theory]
    [InlineData("basic")]
    [InlineData("bottleneck")]
    [InlineData("basic_d")]
    [InlineData("se")]
    public void WhatTorchExportsIsRead(string name)
    {
        var plan = Plan(Small[name]);

        var read = GraphAssert.ComputesTheSame(GraphAssert.Bytes(ForeignGraph.Torch(plan, GoldenNetworks.Weights(plan))), plan);

        AssertSame(plan.Architecture, read.Architecture!);
        Assert.Equal(plan.Weights.Select(spec => spec.Name), read.Tensors.Select(tensor => tensor.Name));
    }

    [Theory]
    [InlineData("bottleneck_v1", false)]
    [InlineData("bottleneck_v1", true)]
    [InlineData("bottleneck", true)]
    [InlineData("basic_c", true)]
    public void WhatKerasExportsIsRead(string name, bool trimsPadding)
    {
        var plan = Plan(Small[name]);
        var file = GraphAssert.Bytes(ForeignGraph.Keras(plan, GoldenNetworks.Weights(plan), trimsPadding));

        var read = GraphAssert.ComputesTheSame(file, plan, inputScale: 255, isChannelsLast: true);

        AssertSame(plan.Architecture, read.Architecture!);
        AssertNear([123.68f, 116.779f, 103.939f], read.Preprocessing!.Mean);
        AssertNear([1, 1, 1], read.Preprocessing.StandardDeviation);
    }

    [Fact]
    public void ArchitecturesThatAreNoRowComeBackFromAModelZip()
    {
        using var folder = new TemporaryFolder();
        var ml = new MLContext(seed: 1);
        var architecture = ResNetArchitecture.ResNet18 with { Name = "mine", Depths = [2, 2, 2, 3], BaseWidth = 8 };
        var plan = LayerPlan.Create(architecture, new ImageShape(3, 32, 32), 4);
        var preprocessing = GraphAssert.Identity(plan.Input);
        var data = ml.Data.LoadFromEnumerable(new[] { new Row { Pixels = new byte[plan.Input.Size] } }, Schema(plan.Input.Size));
        var model = ml.Transforms.ApplyResNet(
            GoldenNetworks.Weights(plan), architecture, preprocessing: preprocessing, imageColumnName: "Pixels").Fit(data);
        ml.Model.Save(model, data.Schema, folder["model.zip"]);

        var read = ResNetWeights.Load(folder["model.zip"]);

        Assert.Equal("mine", read.ArchitectureName);
        AssertSame(architecture, read.Architecture!);
        ml.Transforms.ApplyResNet(read, imageColumnName: "Pixels").Fit(data).Dispose();
        model.Dispose();
    }

    /// <summary>Gives every value and constant of a graph a number for a name.</summary>
    internal static OnnxModel Nameless(OnnxModel model)
    {
        var names = new Dictionary<string, string>();
        foreach (var input in model.Inputs)
        {
            names[input.Name] = input.Name;
        }

        string Number(string name) => names.TryGetValue(name, out var number) ? number : names[name] = $"{names.Count + 100}";

        return model with
        {
            Nodes = [.. model.Nodes.Select(node => node with { Inputs = [.. node.Inputs.Select(Number)], Output = Number(node.Output) })],
            Initializers = [.. model.Initializers.Select(tensor => tensor with { Name = Number(tensor.Name) })],
            Outputs = [.. model.Outputs.Select(output => output with { Name = Number(output.Name) })],
        };
    }

    private static void AssertNear(ImmutableArray<float> expected, ImmutableArray<float> actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, tolerance: 1e-3));
    }

    private static LayerPlan Plan(ResNetArchitecture architecture) => LayerPlan.Create(architecture, new ImageShape(3, 32, 32), 4);

    private static void AssertSame(ResNetArchitecture expected, ResNetArchitecture actual)
    {
        Assert.Equal(expected.Depths.AsEnumerable(), actual.Depths);
        Assert.Equal(expected with { Name = "", Depths = [] }, actual with { Name = "", Depths = [] });
    }

    private static Data.SchemaDefinition Schema(int size)
    {
        var schema = Data.SchemaDefinition.Create(typeof(Row));
        schema[nameof(Row.Pixels)].ColumnType = new Data.VectorDataViewType(Data.NumberDataViewType.Byte, size);
        return schema;
    }

    private sealed class Row
    {
        public byte[] Pixels { get; set; } = [];
    }
}
