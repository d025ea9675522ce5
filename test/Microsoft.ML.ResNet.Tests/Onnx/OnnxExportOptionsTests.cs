using Microsoft.ML.Data;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Tests.Scoring;

namespace Microsoft.ML.ResNet.Tests.Onnx;

/// <summary>Every form of an exported network gives what the classifier gives.</summary>
public sealed class OnnxExportOptionsTests : IDisposable
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();
    private readonly byte[][] _rows;
    private readonly float[][] _expected;
    private readonly ResNetClassificationTransformer _classifier;

    public OnnxExportOptionsTests()
    {
        var view = Pictures.Load(_ml, Pictures.Rows(perClass: 2, height: 8, width: 8, channels: 3));
        var data = _ml.Transforms.Conversion.MapValueToKey("Label", nameof(PixelRow.Name)).Fit(view).Transform(view);
        _classifier = TestClassifier.Create(
            _ml, data, nameof(PixelRow.Bytes), architecture: TestClassifier.Tiny with { Shortcut = ShortcutKind.B, SqueezeReduction = 2 });
        _rows = [.. data.GetColumn<byte[]>(nameof(PixelRow.Bytes))];
        _expected = [.. _classifier.Transform(data).GetColumn<float[]>("Score")];
    }

    public void Dispose()
    {
        _classifier.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [CombinatorialOptions]
    public void GivesTheSameProbabilities(bool bytes, int? batchSize, bool channelsLast, bool fold, bool softmax)
    {
        var options = new OnnxExportOptions
        {
            ByteInput = bytes,
            BatchSize = batchSize,
            ChannelsLast = channelsLast,
            FoldBatchNorm = fold,
            Softmax = softmax,
        };
        OnnxRuntimeLog.Warnings.Clear();
        _classifier.ExportOnnx(_folder["network.onnx"], options);
        using var session = new InferenceSession(_folder["network.onnx"]);

        var pixels = channelsLast ? _rows.Select(ToInterleaved) : _rows;
        int[] shape = channelsLast ? [_rows.Length, 8, 8, 3] : [_rows.Length, 3, 8, 8];
        var flat = pixels.SelectMany(row => row).ToArray();
        var input = bytes
            ? NamedOnnxValue.CreateFromTensor("pixels", new DenseTensor<byte>(flat, shape))
            : NamedOnnxValue.CreateFromTensor("pixels", new DenseTensor<float>(Array.ConvertAll(flat, value => (float)value), shape));
        using var outputs = session.Run([input]);
        var actual = outputs[0].AsEnumerable<float>().Chunk(3).Select(row => softmax ? row : Softmax(row)).ToArray();

        Assert.Empty(OnnxRuntimeLog.Warnings);
        Assert.Equal(softmax ? "probabilities" : "logits", outputs[0].Name);
        Assert.All(
            _expected.Zip(actual),
            pair => Assert.All(pair.First.Zip(pair.Second), value => Assert.Equal(value.First, value.Second, tolerance: 1e-5)));
    }

    [Fact]
    public void WithoutPreprocessingTheInputIsTheNetworksOwn()
    {
        _classifier.ExportOnnx(_folder["network.onnx"], new OnnxExportOptions { IncludePreprocessing = false });
        using var session = new InferenceSession(_folder["network.onnx"]);
        var preprocessing = _classifier.Preprocessing;

        var normalized = _rows
            .SelectMany(row => row.Select((value, i) => (value - preprocessing.Mean[i / 64]) / preprocessing.StandardDeviation[i / 64]))
            .ToArray();
        using var outputs = session.Run(
            [NamedOnnxValue.CreateFromTensor("pixels", new DenseTensor<float>(normalized, [_rows.Length, 3, 8, 8]))]);

        Assert.All(
            _expected.SelectMany(row => row).Zip(outputs[0].AsEnumerable<float>()),
            value => Assert.Equal(value.First, value.Second, tolerance: 1e-5));
    }

    [Fact]
    public void ApplyOnnxModelTakesTheFile()
    {
        _classifier.ExportOnnx(_folder["network.onnx"], new OnnxExportOptions { BatchSize = 1 });
        var view = Pictures.Load(_ml, Pictures.Rows(perClass: 2, height: 8, width: 8, channels: 3));
        var renamed = _ml.Transforms.CopyColumns("pixels", nameof(PixelRow.Bytes)).Fit(view).Transform(view);

        var scored = _ml.Transforms.ApplyOnnxModel("probabilities", "pixels", _folder["network.onnx"]).Fit(renamed).Transform(renamed);

        Assert.All(
            _expected.Zip(scored.GetColumn<float[]>("probabilities")),
            pair => Assert.All(pair.First.Zip(pair.Second), value => Assert.Equal(value.First, value.Second, tolerance: 1e-5)));
    }

    private static byte[] ToInterleaved(byte[] planar)
    {
        var interleaved = new byte[planar.Length];
        for (var i = 0; i < planar.Length; i++)
        {
            interleaved[i % 64 * 3 + i / 64] = planar[i];
        }

        return interleaved;
    }

    private static float[] Softmax(float[] logits)
    {
        var exponentials = logits.Select(logit => MathF.Exp(logit - logits.Max())).ToArray();
        return [.. exponentials.Select(value => value / exponentials.Sum())];
    }

    /// <summary>All combinations.</summary>
    private sealed class CombinatorialOptionsAttribute : Xunit.Sdk.DataAttribute
    {
        public override IEnumerable<object?[]> GetData(System.Reflection.MethodInfo testMethod) =>
            from bytes in (bool[])[true, false]
            from batchSize in (int?[])[null, 6]
            from channelsLast in (bool[])[true, false]
            from fold in (bool[])[true, false]
            from softmax in (bool[])[true, false]
            select new object?[] { bytes, batchSize, channelsLast, fold, softmax };
    }
}
