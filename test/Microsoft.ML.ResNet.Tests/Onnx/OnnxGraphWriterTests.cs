using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Microsoft.ML.ResNet.Onnx;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Tests.Weights;
using Microsoft.ML.ResNet.Weights;

namespace Microsoft.ML.ResNet.Tests.Onnx;

public sealed class OnnxGraphWriterTests
{
    // Deeper networks of the same rows differ only in the number of blocks.
    public static TheoryData<string> Networks =>
        [.. ResNetArchitecture.All.Where(each => each.Depths.Sum() <= 60).Select(each => each.Name)];

    [Theory]
    [MemberData(nameof(Networks))]
    public void OnnxRuntimeLoadsEveryNetworkWithoutAWarning(string name)
    {
        var architecture = ResNetArchitecture.Parse(name);
        var plan = LayerPlan.Create(architecture, new ImageShape(3, architecture.MinimumImageSize, architecture.MinimumImageSize), 2);
        var preprocessing = new ImagePreprocessing(plan.Input, [1, 2, 3], [4, 5, 6]) { Supersampling = 2 };
        var model = OnnxGraphWriter.Classifier(
            new ResNetModel(plan, AnyWeights.For(plan), preprocessing), OnnxElementType.UInt8, new OnnxExportOptions(), []);
        var file = new byte[model.CalculateSize()];
        model.WriteTo(new MemoryStream(file));

        OnnxRuntimeLog.Warnings.Clear();
        using var options = new SessionOptions { LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_WARNING };
        using var session = new InferenceSession(file, options);

        Assert.Empty(OnnxRuntimeLog.Warnings);
        Assert.Equal([-1, 3, 2 * plan.Input.Height, 2 * plan.Input.Width], session.InputMetadata["pixels"].Dimensions);
        Assert.Equal([-1, 2], session.OutputMetadata["probabilities"].Dimensions);
    }

    [Fact]
    public void AModelKnowsItsSizeWithoutMakingIt()
    {
        var plan = LayerPlan.Create(ResNetArchitecture.ResNet18, new ImageShape(3, 32, 32), 10);
        var network = new ResNetModel(plan, ResNetWeights.Initialize(plan, 1), new ImagePreprocessing(plan.Input, [1, 2, 3], [4, 5, 6]));
        var model = OnnxGraphWriter.Classifier(network, OnnxElementType.UInt8, new OnnxExportOptions(), [new("key", "value")]);
        using var file = new MemoryStream();
        model.WriteTo(file);

        var before = GC.GetAllocatedBytesForCurrentThread();
        var size = model.CalculateSize();

        Assert.Equal(file.Length, size);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, size / 10);
    }

    [Fact]
    public void VariantsWithTheSameWeightsGiveOtherOutputs()
    {
        // Where the stride sits, and whether there is a shortcut, changes no weight: only what is computed.
        var middle = new ResNetArchitecture("middle", BlockKind.Bottleneck, [1, 1]) { Stem = StemKind.SmallImage, BaseWidth = 8 };
        var identity = new ResNetArchitecture("identity", BlockKind.Basic, [1, 1])
        {
            Stem = StemKind.SmallImage,
            BaseWidth = 8,
            Shortcut = ShortcutKind.A,
        };

        Assert.NotEqual(Logits(middle), Logits(middle with { BottleneckStride = BottleneckStride.First }));
        Assert.NotEqual(Logits(identity), Logits(identity with { Shortcut = ShortcutKind.None }));
        Assert.Equal(Logits(identity), Logits(identity));
    }

    [Theory]
    [InlineData(ShortcutKind.A, 0)]
    [InlineData(ShortcutKind.B, 1)]
    [InlineData(ShortcutKind.C, 2)]
    [InlineData(ShortcutKind.D, 1)]
    public void ShortcutsProjectWhereTheirOptionSays(ShortcutKind shortcut, int projections)
    {
        var architecture = new ResNetArchitecture("options", BlockKind.Basic, [1, 1])
        {
            Stem = StemKind.SmallImage,
            BaseWidth = 8,
            Shortcut = shortcut,
        };

        var plan = LayerPlan.Create(architecture, new ImageShape(3, 8, 8), 4);

        Assert.Equal(projections, plan.Layers.OfType<ConvolutionLayer>().Count(layer => layer.Name.Contains("downsample")));
        Assert.Equal(shortcut == ShortcutKind.A ? 1 : 0, plan.Layers.OfType<PaddedIdentityLayer>().Count());
        Assert.Equal(4, Logits(architecture).Length);
    }

    [Theory]
    [InlineData(BlockKind.Basic, StemKind.SmallImage)]
    [InlineData(BlockKind.PreActivationBasic, StemKind.SmallImage)]     // the stem is read by a normalization and by a shortcut
    [InlineData(BlockKind.PreActivationBottleneck, StemKind.Deep)]
    [InlineData(BlockKind.Bottleneck, StemKind.Deep)]
    public void FoldingChangesNoOutput(BlockKind block, StemKind stem)
    {
        var architecture = new ResNetArchitecture("folded", block, [2, 1]) { Stem = stem, BaseWidth = 8, SqueezeReduction = 4 };

        var (plain, folded) = (Logits(architecture), Logits(architecture, foldBatchNorm: true));

        Assert.All(plain.Zip(folded), pair => Assert.Equal(pair.First, pair.Second, tolerance: 1e-4 * (plain.Max() - plain.Min())));
    }

    private static float[] Logits(ResNetArchitecture architecture, bool foldBatchNorm = false)
    {
        var plan = LayerPlan.Create(architecture, new ImageShape(3, 8, 8), 4);
        var preprocessing = new ImagePreprocessing(plan.Input, [0, 0, 0], [1, 1, 1]);
        using var file = new MemoryStream();
        OnnxGraphWriter.Classifier(new ResNetModel(plan, GoldenNetworks.Weights(plan), preprocessing), OnnxElementType.Float,
            new OnnxExportOptions { Softmax = false, FoldBatchNorm = foldBatchNorm }, []).WriteTo(file);
        using var session = new InferenceSession(file.ToArray());
        var image = Enumerable.Range(0, plan.Input.Size).Select(i => MathF.Sin(0.7f * i)).ToArray();
        using var outputs = session.Run([NamedOnnxValue.CreateFromTensor("pixels", new DenseTensor<float>(image, [1, 3, 8, 8]))]);
        return [.. outputs[0].AsEnumerable<float>()];
    }
}
