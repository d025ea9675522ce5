using Microsoft.ML.Data;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Tests.Onnx;
using Microsoft.ML.ResNet.Tests.Scoring;

namespace Microsoft.ML.ResNet.Tests.Quantization;

public sealed class QuantizeTests : IDisposable
{
    private static readonly ImageShape Shape = new(3, 16, 16);

    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();
    private readonly IDataView _data;

    public QuantizeTests()
    {
        var rows = Pictures.Load(_ml, Pictures.Rows(perClass: 6, height: 16, width: 16, channels: 3));
        _data = _ml.Transforms.Conversion.MapValueToKey("Label", nameof(PixelRow.Name)).Fit(rows).Transform(rows);
    }

    public void Dispose() => _folder.Dispose();

    public static TheoryData<BlockKind, StemKind, ShortcutKind, int, int> Networks => new()
    {
        { BlockKind.Basic, StemKind.SmallImage, ShortcutKind.A, 0, 1 },
        { BlockKind.Basic, StemKind.ImageNet, ShortcutKind.B, 0, 1 },
        { BlockKind.Basic, StemKind.SmallImage, ShortcutKind.None, 0, 1 },
        { BlockKind.Bottleneck, StemKind.SmallImage, ShortcutKind.C, 0, 2 },
        { BlockKind.Bottleneck, StemKind.Deep, ShortcutKind.D, 4, 1 },
        { BlockKind.PreActivationBasic, StemKind.SmallImage, ShortcutKind.A, 0, 1 },
        { BlockKind.PreActivationBottleneck, StemKind.ImageNet, ShortcutKind.B, 4, 1 },
    };

    [Theory]
    [MemberData(nameof(Networks))]
    public void EveryKindOfNetworkComputesInIntegersWhatItComputedInFloats(
        BlockKind block, StemKind stem, ShortcutKind shortcut, int squeezeReduction, int groups)
    {
        using var classifier = Classifier(block, stem, shortcut, squeezeReduction, groups);
        using var quantized = classifier.Quantize(_data);

        var (floats, integers) = (Logits(classifier), Logits(quantized));

        var error = floats.Zip(integers, (left, right) => Math.Abs(left - right)).Average();
        Assert.InRange(error, double.Epsilon, 0.03 * (floats.Max() - floats.Min()));
    }

    [Theory]
    [MemberData(nameof(Networks))]
    public void OnnxRuntimeLeavesNoLayerInFloats(BlockKind block, StemKind stem, ShortcutKind shortcut, int squeezeReduction, int groups)
    {
        using var classifier = Classifier(block, stem, shortcut, squeezeReduction, groups);
        using var quantized = classifier.Quantize(_data);
        OnnxRuntimeLog.Warnings.Clear();
        quantized.ExportOnnx(_folder["network.onnx"]);

        var operators = OptimizedGraph.Operators(_folder["network.onnx"]);

        Assert.Empty(OnnxRuntimeLog.Warnings);
        Assert.Equal(1, operators["QuantizeLinear"]);       // the pixels
        Assert.Equal(1, operators["DequantizeLinear"]);     // the features
        Assert.True(operators["QLinearConv"] >= classifier.Plan.Layers.OfType<ConvolutionLayer>().Count());
        Assert.Equal(classifier.Plan.Layers.OfType<AddLayer>().Count(), operators.GetValueOrDefault("QLinearAdd"));
        Assert.Empty(operators.Keys.Intersect(
            ["Conv", "FusedConv", "BatchNormalization", "Relu", "Add", "Mul", "Sigmoid", "AveragePool", "GlobalAveragePool"]));
    }

    private ResNetClassificationTransformer Classifier(
        BlockKind block, StemKind stem, ShortcutKind shortcut, int squeezeReduction, int groups) => TestClassifier.Create(
        _ml,
        _data,
        nameof(PixelRow.Bytes),
        Shape,
        new ResNetArchitecture("network", block, [2, 1])
        {
            Stem = stem,
            Shortcut = shortcut,
            SqueezeReduction = squeezeReduction,
            Groups = groups,
            BaseWidth = 16,
        });

    [Fact]
    public void ScoresSavesAndLoadsAsAnyOther()
    {
        using var classifier = TestClassifier.Create(_ml, _data, nameof(PixelRow.Bytes), Shape);
        using var quantized = classifier.Quantize(_data);

        Conformance.CheckTransformer(_ml, quantized, _data);
        Assert.Equal(
            classifier.GetOutputSchema(_data.Schema).Select(column => (column.Name, column.Type)),
            quantized.GetOutputSchema(_data.Schema).Select(column => (column.Name, column.Type)));
        Assert.Equal(classifier.ClassNames.AsEnumerable(), quantized.ClassNames);
        Assert.Equal(classifier.Weights.Tensors.AsEnumerable(), quantized.Weights.Tensors);
        Assert.NotEqual(classifier.Transform(_data).GetColumn<float[]>("Score"), quantized.Transform(_data).GetColumn<float[]>("Score"));
    }

    [Fact]
    public void TakesImagesThroughTheStagesOfScoringAndNeedsNoLabel()
    {
        Pictures.Write(_folder.Path, perClass: 3, height: 40, width: 30);
        var files = _ml.Data.LoadImageFolder(_folder.Path);
        var images = _ml.Transforms.LoadImages("Image", null, "ImagePath")
            .Append(_ml.Transforms.Conversion.MapValueToKey("Label"))
            .Fit(files)
            .Transform(files);
        using var classifier = TestClassifier.Create(_ml, images, "Image", new ImageShape(1, 8, 8), supersampling: 2);
        var unlabeled =
            _ml.Transforms.LoadImages("Image", null, "ImagePath").Append(_ml.Transforms.SelectColumns("Image")).Fit(files).Transform(files);

        using var quantized = classifier.Quantize(unlabeled);

        Conformance.CheckTransformer(_ml, quantized, images);
    }

    [Fact]
    public void TheSameImagesGiveTheSameNetworkByteForByte()
    {
        using var classifier = TestClassifier.Create(_ml, _data, nameof(PixelRow.Bytes), Shape);
        for (var i = 0; i < 2; i++)
        {
            using var quantized = classifier.Quantize(_data);
            quantized.ExportOnnx(_folder[$"{i}.onnx"]);
        }

        Assert.Equal(File.ReadAllBytes(_folder["0.onnx"]), File.ReadAllBytes(_folder["1.onnx"]));
    }

    [Fact]
    public void FewImagesAreSpreadOverAllRows()
    {
        using var classifier = TestClassifier.Create(_ml, _data, nameof(PixelRow.Bytes), Shape);
        byte[] Uniform(byte value) => [.. Enumerable.Repeat(value, Shape.Size)];
        var rows = Enumerable.Range(0, 9).Select(
            i => new PixelRow { Name = "", Bytes = Uniform((byte)(i is 0 or 3 or 6 ? 100 + 10 * i : 255)), Floats = [], Weight = 1 });
        var definition = SchemaDefinition.Create(typeof(PixelRow));
        definition[nameof(PixelRow.Bytes)].ColumnType = new VectorDataViewType(NumberDataViewType.Byte, 3, 16, 16);

        using var some = classifier.Quantize(
            _ml.Data.LoadFromEnumerable(rows, definition), new QuantizationOptions { ImageCount = 3, Percentile = 100 });
        using var taken = classifier.Quantize(
            _ml.Data.LoadFromEnumerable(rows.Where((_, i) => i % 3 == 0), definition), new QuantizationOptions { Percentile = 100 });

        Assert.Equal(taken.Transform(_data).GetColumn<float[]>("Score"), some.Transform(_data).GetColumn<float[]>("Score"));
    }

    [Fact]
    public void WeightsCannotBeReadBackFromIntegers()
    {
        using var classifier = TestClassifier.Create(_ml, _data, nameof(PixelRow.Bytes), Shape);
        using var quantized = classifier.Quantize(_data);
        _ml.Model.Save(quantized, _data.Schema, _folder["model.zip"]);

        var exception = Assert.Throws<InvalidDataException>(() => ResNetWeights.Load(_folder["model.zip"]));

        Assert.Contains(
            "the network is quantized ('int8'), so the file holds integers, from which float weights cannot be read", exception.Message);
    }

    [Fact]
    public void RefusesNoRowsOtherColumnsAndOptionsOutOfRange()
    {
        using var classifier = TestClassifier.Create(_ml, _data, nameof(PixelRow.Bytes), Shape);

        Assert.Contains(
            "no row to calibrate with",
            Assert.Throws<InvalidOperationException>(() => classifier.Quantize(_ml.Data.SkipRows(_data, 1000))).Message);
        Assert.Throws<ArgumentOutOfRangeException>(
            () => classifier.Quantize(_ml.Transforms.DropColumns(nameof(PixelRow.Bytes)).Fit(_data).Transform(_data)));
        Assert.Throws<ArgumentOutOfRangeException>(() => classifier.Quantize(_data, new QuantizationOptions { ImageCount = 0 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => classifier.Quantize(_data, new QuantizationOptions { Percentile = double.NaN }));
        Assert.Throws<ArgumentOutOfRangeException>(() => classifier.Quantize(_data, new QuantizationOptions { Percentile = 100.1 }));
    }

    private float[] Logits(ResNetClassificationTransformer classifier)
    {
        classifier.ExportOnnx(_folder["logits.onnx"], new OnnxExportOptions { Softmax = false });
        using var session = new InferenceSession(_folder["logits.onnx"]);
        var rows = _data.GetColumn<byte[]>(nameof(PixelRow.Bytes)).ToArray();
        using var outputs = session.Run([NamedOnnxValue.CreateFromTensor(
            "pixels",
            new DenseTensor<byte>(rows.SelectMany(row => row).ToArray(), [rows.Length, Shape.Channels, Shape.Height, Shape.Width]))]);
        return [.. outputs[0].AsEnumerable<float>()];
    }
}
