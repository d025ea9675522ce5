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
        var pixels = Pixels();
        using var served = ServedNetwork.Of(network, [], new ResNetPredictorOptions());

        CheckSame(Expected(network, pixels), Features(served, pixels));
        Assert.Equal(foldsAll, !Encoding.Latin1.GetString(Read(network).Model).Contains("BatchNormalization"));
    }

    // Of the two sessions the first is soon made, and the second computes faster.
    [Fact]
    public async Task ALargeNetworkComputesTheSameWithBothOfItsSessions()
    {
        var network = Network(Basic with { BaseWidth = 128 });
        var pixels = Pixels();
        var expected = Expected(network, pixels);
        using var served = ServedNetwork.Of(network, [], new ResNetPredictorOptions());

        CheckSame(expected, Features(served, pixels));
        Parallel.For(0, 12, _ => CheckSame(expected, Features(served, pixels))); // the second takes the first one's place meanwhile
        Assert.True(await served.Improvement);
        CheckSame(expected, Features(served, pixels));
    }

    [Fact]
    public void ItIsDisposedOfWhileItsSecondSessionIsMade()
    {
        var pixels = Pixels();
        var served = ServedNetwork.Of(Network(Basic with { BaseWidth = 128 }), [], new ResNetPredictorOptions());
        Features(served, pixels);
        Features(served, pixels);

        served.Dispose();

        Assert.True(served.Improvement.IsCompleted);
    }

    [Fact]
    public async Task ASmallNetworkHasOneSession()
    {
        using var served = ServedNetwork.Of(Network(Basic), [], new ResNetPredictorOptions());

        Assert.False(await served.Improvement);
    }

    [Fact]
    public void WhatIsSharedIsDisposedOfByTheLast()
    {
        using var content = new MemoryStream();
        var shared = new Shared<MemoryStream>(content);

        Assert.True(shared.TryEnter());
        shared.Leave();
        Assert.True(shared.TryEnter());
        shared.Leave(); // the owner
        Assert.True(content.CanRead);
        shared.Leave();
        Assert.False(content.CanRead);
        Assert.False(shared.TryEnter());
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

    private static byte[] Pixels()
    {
        var pixels = new byte[2 * Shape.Size];
        new Random(1).NextBytes(pixels);
        return pixels;
    }

    private static float[] Expected(ResNetModel network, byte[] pixels)
    {
        using var saved = new NetworkSession(
            new MLContext().Transforms.GetEnvironment(),
            OnnxGraphWriter.Featurizer(network, OnnxElementType.UInt8, "pixels", "features", [], anyBatch: true));
        using var input = OrtValue.CreateTensorValueFromMemory(pixels, [2, Shape.Channels, Shape.Height, Shape.Width]);
        using var outputs = saved.Run(input);
        return outputs[0].GetTensorDataAsSpan<float>().ToArray();
    }

    private static float[] Features(ServedNetwork served, byte[] pixels)
    {
        var features = new float[2 * served.FeatureCount];
        served.Run(pixels, features);
        return features;
    }

    private static void CheckSame(float[] expected, float[] actual)
    {
        var spread = expected.Max() - expected.Min();
        Assert.True(spread > 0.1);
        Assert.Equal(expected.Length, actual.Length);
        Assert.All(expected.Zip(actual), pair => Assert.InRange(pair.Second - pair.First, -1e-5f * spread, 1e-5f * spread));
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
