using Microsoft.ML.Data;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Trainers.Analysis;
using TorchSharp;

namespace Microsoft.ML.ResNet.Trainers.Tests.Analysis;

public sealed class LayerResponsesTests
{
    private static readonly ImageShape Shape = new(1, 6, 5);

    private static readonly ResNetArchitecture OneBlock = new("one", BlockKind.Basic, [1]) { Stem = StemKind.SmallImage, BaseWidth = 2 };

    private readonly MLContext _ml = new(seed: 1);
    private readonly PixelRow[] _rows = Pictures.Rows(perClass: 3, Shape.Height, Shape.Width, Shape.Channels);

    [Fact]
    public void AreWhatAHandComputationGives()
    {
        var data = Pictures.Load(_ml, _rows);
        using var model = Classifiers.Create(_ml, data, Classifiers.Preprocessing(Shape), OneBlock, "Bytes");

        var responses = model.LayerResponses(data);

        var images = _rows.Select(row => new[] { Array.ConvertAll(row.Bytes, value => (value - 100) / 60.0) }).ToArray();
        var stem = images.Select(image => Normalize(Convolve(image, model, "conv1"), model, "bn1")).ToArray();
        var first = stem.Select(image => Normalize(Convolve(Relu(image), model, "layer1.0.conv1"), model, "layer1.0.bn1")).ToArray();
        var second = first.Select(image => Normalize(Convolve(Relu(image), model, "layer1.0.conv2"), model, "layer1.0.bn2")).ToArray();
        AssertResponses(
            [("conv1", Deviation(stem)), ("layer1.0.conv1", Deviation(first)), ("layer1.0.conv2", Deviation(second))], responses);
    }

    [Fact]
    public void OfPreActivationNetworksAreWhatNonlinearitiesAndAdditionsRead()
    {
        var data = Pictures.Load(_ml, _rows);
        using var model = Classifiers.Create(
            _ml, data, Classifiers.Preprocessing(Shape), OneBlock with { Block = BlockKind.PreActivationBasic }, "Bytes");

        var responses = model.LayerResponses(data);

        var images = _rows.Select(row => new[] { Array.ConvertAll(row.Bytes, value => (value - 100) / 60.0) }).ToArray();
        var stem = images.Select(image => Convolve(image, model, "conv1")).ToArray(); // the shortcut reads it as it is
        var first = stem.Select(image =>
            Normalize(Convolve(Relu(Normalize(image, model, "layer1.0.bn1")), model, "layer1.0.conv1"), model, "layer1.0.bn2")).ToArray();
        var second = first.Select(image => Convolve(Relu(image), model, "layer1.0.conv2")).ToArray();
        AssertResponses(
            [("conv1", Deviation(stem)), ("layer1.0.conv1", Deviation(first)), ("layer1.0.conv2", Deviation(second))], responses);
    }

    [Theory]
    [InlineData("resnet20", 19)]
    [InlineData("plain20", 19)]
    [InlineData("resnet110", 109)]
    [InlineData("resnet18", 16)]
    [InlineData("resnet50", 16)]
    [InlineData("resnet50_v2", 16)]
    [InlineData("seresnet50", 16)]
    [InlineData("resnet50d", 19)]
    public void AreThoseOfTheThreeByThreeLayers(string name, int count)
    {
        var architecture = ResNetArchitecture.Parse(name);
        var plan = LayerPlan.Create(architecture, new ImageShape(3, 64, 64), 10);

        var layers = ResponseMeter.Layers(plan);

        Assert.Equal(count, layers.Length);
        Assert.All(layers, layer => Assert.True(plan.Layers[layer.Result] is BatchNormLayer, layer.Layer.Name));
    }

    [Fact]
    public void DoNotDependOnTheBatches()
    {
        var data = Pictures.Load(_ml, _rows);
        using var model = Classifiers.Create(_ml, data, Classifiers.Preprocessing(Shape), OneBlock, "Bytes");

        var expected = model.LayerResponses(data);

        Assert.All([1, 2, 4, 9, 10], size => AssertResponses(
            [.. expected.Select(each => (each.Layer, each.StandardDeviation))], ResponseMeter.Measure(model, data, long.MaxValue, size)));
    }

    [Fact]
    public void ReadNoMoreImagesThanAskedFor()
    {
        var data = Pictures.Load(_ml, _rows);
        using var model = Classifiers.Create(_ml, data, Classifiers.Preprocessing(Shape), OneBlock, "Bytes");

        var some = model.LayerResponses(data, maximumImages: 4).ToArray();

        Assert.Equal(model.LayerResponses(_ml.Data.TakeRows(data, 4)).ToArray(), some);
        Assert.NotEqual(model.LayerResponses(data).ToArray(), some);
        AssertResponses(
            [.. some.Select(each => (each.Layer, each.StandardDeviation))], ResponseMeter.Measure(model, data, most: 4, batchSize: 3));
    }

    [Fact]
    public void SayWhatIsWrong()
    {
        var data = Pictures.Load(_ml, _rows);
        using var model = Classifiers.Create(_ml, data, Classifiers.Preprocessing(Shape), OneBlock, "Bytes");

        Assert.Contains(
            "no rows", Assert.Throws<InvalidOperationException>(() => model.LayerResponses(_ml.Data.SkipRows(data, _rows.Length))).Message);
        Assert.Contains("no image column 'Bytes'", Assert.Throws<ArgumentOutOfRangeException>(
            () => model.LayerResponses(_ml.Transforms.DropColumns("Bytes").Fit(data).Transform(data))).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => model.LayerResponses(data, maximumImages: 0));
    }

    [Fact]
    public void FreeEveryTensor()
    {
        var data = Pictures.Load(_ml, _rows);
        using var model = Classifiers.Create(_ml, data, Classifiers.Preprocessing(Shape), OneBlock, "Bytes");
        var before = LiveTensors.CountBefore();

        model.LayerResponses(data);

        Assert.Equal(before, torch.Tensor.TotalCount);
    }

    private static void AssertResponses((string Layer, double Deviation)[] expected, IReadOnlyList<LayerResponse> actual)
    {
        Assert.Equal(expected.Select((each, index) => (each.Layer, index + 1)), actual.Select(each => (each.Layer, each.Index)));
        Assert.All(
            expected.Zip(actual),
            pair => Assert.Equal(pair.First.Deviation, pair.Second.StandardDeviation, tolerance: 1e-5 * pair.First.Deviation));
    }

    // 3×3, padded by 1, as in a textbook.
    private static double[][] Convolve(double[][] image, ResNetClassificationTransformer model, string layer)
    {
        var weight = model.Weights[$"{layer}.weight"];
        var (outputs, inputs) = (weight.Shape[0], weight.Shape[1]);
        var result = Enumerable.Range(0, outputs).Select(_ => new double[Shape.Height * Shape.Width]).ToArray();
        for (var output = 0; output < outputs; output++)
        {
            for (var input = 0; input < inputs; input++)
            {
                for (var y = 0; y < Shape.Height; y++)
                {
                    for (var x = 0; x < Shape.Width; x++)
                    {
                        for (var tap = 0; tap < 9; tap++)
                        {
                            var (row, column) = (y + tap / 3 - 1, x + tap % 3 - 1);
                            if (row >= 0 && row < Shape.Height && column >= 0 && column < Shape.Width)
                            {
                                result[output][y * Shape.Width + x] +=
                                    weight.Values.Span[(output * inputs + input) * 9 + tap] * image[input][row * Shape.Width + column];
                            }
                        }
                    }
                }
            }
        }

        return result;
    }

    private static double[][] Normalize(double[][] image, ResNetClassificationTransformer model, string layer)
    {
        float[] Values(string name) => model.Weights[$"{layer}.{name}"].Values.ToArray();
        var (scale, shift, mean, variance) = (Values("weight"), Values("bias"), Values("running_mean"), Values("running_var"));
        return [.. image.Select((plane, channel) => Array.ConvertAll(
            plane, value => (value - mean[channel]) / Math.Sqrt(variance[channel] + 1e-5) * scale[channel] + shift[channel]))];
    }

    private static double[][] Relu(double[][] image) => [.. image.Select(plane => Array.ConvertAll(plane, value => Math.Max(0, value)))];

    private static double Deviation(double[][][] images)
    {
        var values = images.SelectMany(image => image).SelectMany(plane => plane).ToArray();
        var mean = values.Average();
        return Math.Sqrt(values.Average(value => (value - mean) * (value - mean)));
    }
}
