using System.Text;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.ResNet.Files;
using Microsoft.ML.ResNet.Interop;
using Microsoft.ML.ResNet.Onnx;
using Microsoft.ML.ResNet.Scoring;
using Microsoft.ML.ResNet.Weights;

namespace Microsoft.ML.ResNet.Tests.Scoring;

/// <summary>The graph that a predictor runs computes what the saved one does, without its normalizations.</summary>
public sealed class ServedGraphTests
{
    private static readonly ImageShape Shape = new(3, 16, 16);
    private static readonly ImagePreprocessing Preprocessing = new(Shape, [100, 110, 120], [50, 60, 70]);

    // Wide enough that filters lie outside of the graph, and that one layer's normalization does too.
    private static readonly ResNetArchitecture Basic = new("basic", BlockKind.Basic, [1, 1])
    {
        Stem = StemKind.SmallImage, Shortcut = ShortcutKind.B, BaseWidth = 16,
    };

    public static TheoryData<string, bool> Architectures => new()
    {
        { nameof(BlockKind.Basic), true },
        { nameof(BlockKind.Bottleneck), true },
        { nameof(BlockKind.PreActivationBasic), false }, // its last normalization stands alone
    };

    [Theory]
    [MemberData(nameof(Architectures))]
    public void ItComputesWhatTheSavedOneDoes(string block, bool foldsAll)
    {
        var architecture = Basic with { Name = block, Block = Enum.Parse<BlockKind>(block), BaseWidth = block == "Bottleneck" ? 256 : 16 };
        var network = Network(architecture);
        using var saved = new NetworkSession(
            new MLContext().Transforms.GetEnvironment(),
            OnnxGraphWriter.Featurizer(network, OnnxElementType.UInt8, "pixels", "features", [], anyBatch: true));
        using var served = ServedNetwork.Of(network, [], new ResNetPredictorOptions());
        var pixels = new byte[2 * Shape.Channels * Shape.Height * Shape.Width];
        new Random(1).NextBytes(pixels);

        using var input = OrtValue.CreateTensorValueFromMemory(pixels, [2, Shape.Channels, Shape.Height, Shape.Width]);
        using var outputs = saved.Run(input);
        var expected = outputs[0].GetTensorDataAsSpan<float>().ToArray();
        var actual = new float[2 * served.FeatureCount];
        served.Run(pixels, actual);

        var spread = expected.Max() - expected.Min();
        Assert.True(spread > 0.1);
        Assert.Equal(expected.Length, actual.Length);
        Assert.All(expected.Zip(actual), pair => Assert.InRange(pair.Second - pair.First, -1e-5f * spread, 1e-5f * spread));
        Assert.Equal(foldsAll, !Encoding.Latin1.GetString(Read(network).Model).Contains("BatchNormalization"));
    }

    [Fact]
    public void WhatDoesNotFitIsLeftAsItIs()
    {
        var network = Network(Basic);
        var wrong = network with
        {
            Weights = new ResNetWeights(network.Weights.Tensors.Select(tensor => tensor.Name == "bn1.running_var"
                ? new WeightTensor(tensor.Name, [3], new float[3])
                : tensor)),
        };

        Assert.Contains("BatchNormalization", Encoding.Latin1.GetString(Read(wrong).Model));
    }

    [Fact]
    public void MemoryIsWrittenFromItsStartAndIsNoLongerThanItSays()
    {
        using var memory = new LargeMemory(100);
        using (var stream = memory.OpenWrite())
        {
            stream.Write([1, 2, 3]);
            Assert.Throws<NotSupportedException>(() => stream.Write(new byte[98]));
        }

        Assert.Equal([2, 3], memory.Slice(1, 2).ToArray());
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.Slice(99, 2).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.Slice(-1, 1).Length);
        memory.Dispose();
        Assert.Throws<ObjectDisposedException>(() => memory.Slice(0, 1).Length);
    }

    private static ServedGraph Read(ResNetModel network)
    {
        using var file = new MemoryStream();
        OnnxGraphWriter.Featurizer(network, OnnxElementType.UInt8, "pixels", "features", [], anyBatch: true).WriteTo(file);
        file.Position = 0;
        using var weights = new LargeMemory(ServedGraph.RoomFor(file.Length));
        var builder = new WeightsBuilder(new MemoryAllowance(file.Length, MemoryAllowance.Default));
        return ServedGraph.Read(file, file.Length, weights, "weights", builder);
    }

    // Normalizations of a trained network: none of their values is what it begins with.
    private static ResNetModel Network(ResNetArchitecture architecture)
    {
        var (plan, random) = (LayerPlan.Create(architecture, Shape, 3), new Random(7));
        var weights = ResNetWeights.Initialize(plan, seed: 3).Tensors.Select(tensor => tensor.Shape.Length > 1
            ? tensor
            : new WeightTensor(tensor.Name, tensor.Shape, tensor.Values.ToArray().Select(_ => 0.5f + random.NextSingle()).ToArray()));
        return new ResNetModel(plan, new ResNetWeights(weights), Preprocessing);
    }
}
