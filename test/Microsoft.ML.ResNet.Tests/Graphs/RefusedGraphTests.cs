using System.Collections.Immutable;
using Microsoft.ML.ResNet.Graphs;
using Microsoft.ML.ResNet.Onnx;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Tests.Weights;
using Microsoft.ML.ResNet.Weights;

namespace Microsoft.ML.ResNet.Tests.Graphs;

/// <summary>
/// Graphs that are no residual network, or made to exhaust a reader: refused by the node's name, within a second and 100 MB.
/// </summary>
public sealed class RefusedGraphTests
{
    private static readonly LayerPlan Plan = LayerPlan.Create(
        new ResNetArchitecture("small", BlockKind.Basic, [1, 1]) { BaseWidth = 8 }, new ImageShape(3, 32, 32), 4);

    private static readonly OnnxModel Model = OnnxGraphWriter.Classifier(
        new ResNetModel(Plan, GoldenNetworks.Weights(Plan), GraphAssert.Identity(Plan.Input)),
        OnnxElementType.Float,
        new OnnxExportOptions { IncludePreprocessing = false },
        []);

    [Fact]
    public void AnOperatorOfOtherNetworksIsNamed() => Says(
        "node 'layer1.0.relu1' (Elu) is an operator that no residual network of the library has",
        Changed("layer1.0.relu1", node => node with { Operator = "Elu" }));

    [Fact]
    public void PaddingThatReadsOtherPixelsIsRefused()
    {
        Says(
            "node 'layer2.0.conv1' (Conv) pads images of 8×8 by (0, 0, 1, 1) for a kernel of 3 and a stride of 2, which gives 4×4 results, "
            + "but expected is a padding of 1 at the top and the left, and 4×4 results",
            WithPads("layer2.0.conv1", [0, 0, 1, 1]));
        Says("node 'conv1' (Conv) pads images of 32×32 by (3, 3, 0, 0)", WithPads("conv1", [3, 3, 0, 0]));
        Says("node 'maxpool' (MaxPool) pads images of 16×16", WithPads("maxpool", [0, 0, 1, 1]));
    }

    [Fact]
    public void PaddingThatReadsTheSamePixelsIsNot()
    {
        var model = WithPads("layer2.0.conv1", [1, 1, 0, 0], WithPads("conv1", [3, 3, 2, 2], WithPads("maxpool", [1, 1, 0, 0])));

        WeightsAssert.Same(GoldenNetworks.Weights(Plan), WeightsAssert.Read(GraphAssert.Bytes(model)));
    }

    [Theory]
    [InlineData(8, false)]
    [InlineData(8, true)]
    [InlineData(7, true)]
    public void TensorflowsSamePaddingIsAcceptedWhereItReadsTheSamePixels(int size, bool isUpper)
    {
        var node = new GraphNode("Conv", "c", [], ["y"], new Dictionary<string, GraphAttribute>
        {
            ["auto_pad"] = new(null, null, isUpper ? "SAME_UPPER" : "SAME_LOWER", [], null),
            ["strides"] = new(null, null, null, [2, 2], null),
        });
        var shape = new ImageShape(4, size, size);
        var placement = WindowPlacement.Of(node, [3, 3], new GraphValue(new Signal(shape), GraphLayout.ChannelsFirst));
        void Check() => placement.Check(node, shape, 1, side => ConvolutionLayer.Strided(side, 2));

        if (size % 2 == 0 && isUpper)
        {
            Assert.Contains("by (0, 0, 1, 1)", Assert.Throws<InvalidDataException>(Check).Message);
        }
        else
        {
            Check();
        }
    }

    [Fact]
    public void DilationAndStridesInOddPlacesAreRefused()
    {
        Says("node 'layer1.0.conv2' (Conv) has dilations of [2, 2]", Changed("layer1.0.conv2", node => node with
        {
            Attributes = [.. node.Attributes, LayerOperators.Square("dilations", 2)],
        }));
        Says("node 'layer2.0.add' (Add) computes with images of", Changed("layer2.0.conv2", node => node with
        {
            Attributes = [.. node.Attributes.Select(each => each.Name == "strides" ? LayerOperators.Square("strides", 2) : each)],
        }));
    }

    [Fact]
    public void ValuesMustBeThereBeforeTheyAreRead()
    {
        Says("node 'layer1.0.conv2' (Conv) reads a value that no node before has given", Changed("layer1.0.conv2", node => node with
        {
            Inputs = ["layer2.0.add", .. node.Inputs.Skip(1)],
        }));
        Says("gives 'bn1' again", Model with { Nodes = Model.Nodes.Insert(3, Model.Nodes.Single(node => node.Output == "bn1")) });
        Says("several inputs", Model with { Inputs = [.. Model.Inputs, Model.Inputs[0] with { Name = "more" }] });
        Says("has no input", Model with { Inputs = [] });
        Says("has no constant floats as its filters", Model with
        {
            Initializers = Model.Initializers.RemoveAll(tensor => tensor.Name == "conv1.weight"),
        });
    }

    [Fact]
    public void WhatFollowsTheHeadIsRefused() => Says(
        "node 'more' (Relu) follows the head",
        Model with { Nodes = [.. Model.Nodes, new OnnxNode("Relu", [Model.Nodes[^1].Output], "more", [])] });

    [Fact]
    public void HeadsAndBranchesOfOtherShapesAreRefused()
    {
        Says(
            "node 'layer1.0.conv1' (Conv) is in a branch and read by 2 others",
            Model with { Nodes = [.. Model.Nodes, new OnnxNode("Relu", ["layer1.0.conv1"], "aside", [])] });
        Says("node 'fc' (Gemm) has a matrix", Changed("fc", node => node with { Attributes = [] }));
    }

    [Fact]
    public void GraphsThatMakeMuchOfLittleAreBounded()
    {
        // One constant of 64,000 values, read by 8,000 nodes; and channels that grow with every node.
        var many = new float[65_536];
        var constant = OnnxTensor.Floats("c", [1, many.Length, 1, 1], many);
        Says("its nodes compute more than", Chain(8_000, constant, channels: many.Length, "Mul"));
        Says("channels", Chain(8_000, OnnxTensor.Integers("c", 0, 16_000, 0, 0, 0, 16_000, 0, 0), channels: 3, "Pad"));
        Says("more than 65,536 initializers, nodes", Chain(70_000, OnnxTensor.Floats("c", [1], new float[1]), channels: 3, "Mul"));
    }

    [Fact]
    public void LongChainsOfBlocksAreBounded()
    {
        var graph = new OnnxGraph();
        graph.Add(OnnxTensor.Floats("w", [1, 1, 3, 3], new float[9]));
        var x = graph.Add("Conv", ["x", "w"], "0", new OnnxAttribute("pads", Integers: [1, 1, 1, 1]));
        for (var i = 1; i < 20_000; i++)
        {
            x = graph.Add("Relu", [x], $"{i}");
        }

        Says("(Relu) comes next", graph.ToModel("m", new OnnxValue("x", OnnxElementType.Float, [1, 1, 8, 8]), [], []));
    }

    private static OnnxModel Chain(int count, OnnxTensor constant, int channels, string operation)
    {
        var graph = new OnnxGraph();
        graph.Add(constant);
        graph.Add(OnnxTensor.Floats("w", [1, 1, 3, 3], new float[9]));
        var x = "x";
        for (var i = 0; i < count; i++)
        {
            x = graph.Add(operation, [x, "c"], $"{i}", operation == "Mul" ? [] : [new OnnxAttribute("value", Float: 0)]);
        }

        graph.Add("Conv", [x, "w"], "y");
        return graph.ToModel("m", new OnnxValue("x", OnnxElementType.Float, [1, channels, 8, 8]), [], []);
    }

    private static void Says(string expected, OnnxModel model) => WeightsAssert.Says(expected, GraphAssert.Bytes(model));

    private static OnnxModel WithPads(string name, ImmutableArray<long> pads, OnnxModel? model = null) => Changed(name, node => node with
    {
        Attributes = [.. node.Attributes.Select(each => each.Name == "pads" ? new OnnxAttribute("pads", Integers: pads) : each)],
    }, model);

    private static OnnxModel Changed(string name, Func<OnnxNode, OnnxNode> change, OnnxModel? model = null) => (model ?? Model) with
    {
        Nodes = [.. (model ?? Model).Nodes.Select(node => node.Output == name ? change(node) : node)],
    };
}
