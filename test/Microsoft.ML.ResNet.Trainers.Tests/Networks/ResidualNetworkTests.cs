using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Microsoft.ML.ResNet.Onnx;
using Microsoft.ML.ResNet.Trainers.Networks;
using Microsoft.ML.ResNet.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Tests.Networks;

public sealed class ResidualNetworkTests
{
    // A prime number of them: no two filters of a layer are alike.
    private static readonly float[] Drawn = DrawNormal(1_000_003);

    public ResidualNetworkTests() => TorchRuntime.Initialize();

    public static TheoryData<string> Networks => [.. ResNetArchitecture.All.Select(each => each.Name)];

    [Theory]
    [MemberData(nameof(Networks))]
    public void TorchAndOnnxGiveTheSameLogits(string name)
    {
        var architecture = Narrowed(ResNetArchitecture.Parse(name));
        var side = architecture.Stem == StemKind.SmallImage ? 8 : 64;
        var plan = LayerPlan.Create(architecture, new ImageShape(3, side, side), 7);
        var weights = WithStatistics(plan, Redrawn(plan));
        var image = Enumerable.Range(0, plan.Input.Size).Select(i => (float)Math.Sin(0.7 * i)).ToArray();

        // The head is scaled so that logits lie about 1 apart, as a trained network's do: a tolerance means little otherwise.
        var raw = TorchLogits(plan, weights, image);
        Assert.True(raw.Max() - raw.Min() > 1e-3, "equal logits compare nothing");
        var scale = 1 / (raw.Max() - raw.Min());
        weights = new ResNetWeights(
            weights.Tensors.Select(tensor => tensor.Name.StartsWith("fc.", StringComparison.Ordinal) ? tensor.Scaled(scale) : tensor));

        var expected = raw.Select(logit => scale * logit); // the head is linear
        var actual = OnnxLogits(plan, weights, image);

        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, tolerance: 1e-4));
    }

    [Fact]
    public void MixedPrecisionStaysNearFloat32()
    {
        var plan = LayerPlan.Create(ResNetArchitecture.ResNet20, new ImageShape(3, 32, 32), 10);
        var weights = RandomWeights(plan);
        var image = Enumerable.Range(0, plan.Input.Size).Select(i => (float)Math.Sin(0.7 * i)).ToArray();

        var (single, half) = (TorchLogits(plan, weights, image), TorchLogits(plan, weights, image, TrainingPrecision.BFloat16));

        var spread = single.Max() - single.Min();
        Assert.All(single.Zip(half), pair => Assert.Equal(pair.First, pair.Second, tolerance: 0.05 * spread));
        Assert.NotEqual(single, half);
    }

    // Also where the CPU's convolutions take no bfloat16, and values are rounded instead.
    [Fact]
    public void ConvolutionsInBFloat16AreTorchs()
    {
        var plan = LayerPlan.Create(ResNetArchitecture.ResNet20, new ImageShape(3, 8, 8), 10);
        var filters = plan.Weights.First(spec => spec.Role == WeightRole.ConvolutionWeight).Name;
        using var scope = NewDisposeScope();
        using var network = new ResidualNetwork(plan, RandomWeights(plan), TrainingPrecision.BFloat16);
        var (images, weight) = (randn([2, 3, 8, 8], generator: new Generator(5)), network.State.Single(each => each.Key == filters).Value);
        var slope = randn([2, 16, 8, 8], generator: new Generator(6)).to(ScalarType.BFloat16);

        var actual = network.Compute(images, 0, 2);
        actual.backward([slope]);
        var actualGradient = weight.grad!.clone();

        weight.grad = null;
        var expected = nn.functional.conv2d(images.to(ScalarType.BFloat16), weight.to(ScalarType.BFloat16), null, [1L, 1L], [1L, 1L]);
        expected.backward([slope]);

        // Half of bfloat16's last place, for sums in another order.
        Assert.Equal(ScalarType.BFloat16, actual.dtype);
        AssertNear(expected, actual);
        AssertNear(weight.grad!, actualGradient);

        static void AssertNear(torch.Tensor expected, torch.Tensor actual)
        {
            var (first, second) = (expected.detach().to(ScalarType.Float32), actual.detach().to(ScalarType.Float32));
            var largest = first.abs().max().item<float>();
            Assert.InRange((first - second).abs().max().item<float>(), 0, largest / 128);
            Assert.True(largest > 1);
        }
    }

    [Fact]
    public void GivesBackTheWeightsItWasMadeOf()
    {
        var plan = LayerPlan.Create(ResNetArchitecture.ResNet20, new ImageShape(3, 32, 32), 10);
        var weights = RandomWeights(plan);
        using var network = new ResidualNetwork(plan, weights, TrainingPrecision.BFloat16);

        var copy = network.ToWeights();

        Assert.Equal(weights.Tensors.Select(tensor => tensor.Name), copy.Tensors.Select(tensor => tensor.Name));
        Assert.All(weights.Tensors.Zip(copy.Tensors), pair => Assert.True(pair.First.Values.Span.SequenceEqual(pair.Second.Values.Span)));
    }

    [Fact]
    public void FreesEveryTensor()
    {
        var plan = LayerPlan.Create(TrainingData.Tiny, TrainingData.Shape, 3);
        var before = LiveTensors.CountBefore();

        using (var scope = NewDisposeScope())
        using (var network = new ResidualNetwork(plan, RandomWeights(plan), TrainingPrecision.Float32))
        {
            network.Forward(zeros([2, 3, 16, 16]), training: true).sum().backward();
            network.ToWeights();
        }

        GC.KeepAlive(before);
        Assert.Equal(before, torch.Tensor.TotalCount);
    }

    internal static ResNetWeights RandomWeights(LayerPlan plan) => WithStatistics(plan, ResNetWeights.Initialize(plan, 1));

    // Initial weights, with statistics that are not 0 and 1. Where residuals add up, each is small, or hundreds of them would overflow.
    private static ResNetWeights WithStatistics(LayerPlan plan, ResNetWeights weights)
    {
        var random = new Random(2);
        var gain = plan.Architecture.Shortcut == ShortcutKind.None ? 0.8f : 0.2f;
        return new ResNetWeights(plan.Weights.Zip(weights.Tensors, (spec, tensor) => spec.Role switch
        {
            WeightRole.BatchNormWeight => tensor.With(() => gain * (0.75f + 0.5f * random.NextSingle())),
            WeightRole.RunningVariance => tensor.With(() => 0.75f + 0.5f * random.NextSingle()),
            WeightRole.BatchNormBias or WeightRole.RunningMean => tensor.With(() => 0.2f * random.NextSingle() - 0.1f),
            _ => tensor,
        }));
    }

    // As ResNetWeights.Initialize draws them, but from what was drawn once: there are many millions.
    private static ResNetWeights Redrawn(LayerPlan plan)
    {
        var random = new Random(1);
        return new ResNetWeights(plan.Weights.Select(spec => new WeightTensor(spec.Name, spec.Shape, spec.Role switch
        {
            WeightRole.ConvolutionWeight => Normal(spec.Size, Math.Sqrt(2.0 / (spec.Shape[0] * spec.Shape[2] * spec.Shape[3])), random),
            WeightRole.LinearWeight => Normal(spec.Size, 1 / Math.Sqrt(3.0 * spec.Shape[1]), random),
            _ => new float[spec.Size],
        })));
    }

    // Every layer of the row, with a quarter of the filters where it has 64 and more: half a billion weights took most of the time.
    // At full width TorchParityTests holds Torch's logits against torchvision's, and the core's tests ONNX Runtime's.
    private static ResNetArchitecture Narrowed(ResNetArchitecture row) => row.BaseWidth >= 64 ? row with { BaseWidth = 16 } : row;

    private static float[] Normal(int count, double deviation, Random random)
    {
        var values = new float[count];
        var next = random.Next(Drawn.Length);
        foreach (ref var value in values.AsSpan())
        {
            value = (float)deviation * Drawn[next];
            next = next + 1 < Drawn.Length ? next + 1 : 0;
        }

        return values;
    }

    private static float[] DrawNormal(int count)
    {
        var random = new Random(1);
        return [.. Enumerable.Range(0, count)
            .Select(_ => (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble())))];
    }

    private static float[] TorchLogits(
        LayerPlan plan, ResNetWeights weights, float[] image, TrainingPrecision precision = TrainingPrecision.Float32)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        using var network = new ResidualNetwork(plan, weights, precision);
        var input = tensor(image, [1, plan.Input.Channels, plan.Input.Height, plan.Input.Width]);
        return network.Forward(input.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2), training: false).data<float>().ToArray();
    }

    private static float[] OnnxLogits(LayerPlan plan, ResNetWeights weights, float[] image)
    {
        var preprocessing = new ImagePreprocessing(plan.Input, [0, 0, 0], [1, 1, 1]);
        var model = OnnxGraphWriter.Classifier(
            new ResNetModel(plan, weights, preprocessing), OnnxElementType.Float, new OnnxExportOptions { Softmax = false }, []);
        var file = new byte[model.CalculateSize()];
        model.WriteTo(new MemoryStream(file));
        using var session = new InferenceSession(file);
        using var outputs = session.Run([NamedOnnxValue.CreateFromTensor(
            "pixels", new DenseTensor<float>(image, [1, plan.Input.Channels, plan.Input.Height, plan.Input.Width]))]);
        return [.. outputs[0].AsEnumerable<float>()];
    }
}

internal static class WeightTensorExtensions
{
    public static WeightTensor Scaled(this WeightTensor tensor, float factor) =>
        new(tensor.Name, tensor.Shape, Array.ConvertAll(tensor.Values.ToArray(), value => factor * value));

    public static WeightTensor With(this WeightTensor tensor, Func<float> value) =>
        new(tensor.Name, tensor.Shape, Enumerable.Range(0, tensor.Values.Length).Select(_ => value()).ToArray());
}
