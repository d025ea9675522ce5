using Microsoft.ML.Data;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Tests.Scoring;

namespace Microsoft.ML.ResNet.Tests;

public sealed class ResNetTransformerExtensionsTests : IDisposable
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();
    private readonly IDataView _rows;

    public ResNetTransformerExtensionsTests() =>
        _rows = Pictures.Load(_ml, Pictures.Rows(perClass: 2, height: 8, width: 8, channels: 3));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void TheNetworkIsFoundWhereverItStands()
    {
        using var network = Network().Fit(_rows);
        Assert.Same(network, network.GetResNet());

        using var last = _ml.Transforms.CopyColumns("Pixels", "Bytes").Append(Network()).Fit(_rows);
        Assert.Same(last.LastTransformer, last.GetResNet());

        using var inside = Named(Network()).Fit(_rows);
        Assert.Same(inside.ElementAt(0), inside.GetResNet());

        // A chain in a chain in a chain, seen as nothing but a transformer.
        ITransformer deep = new TransformerChain<ITransformer>(new TransformerChain<ITransformer>(inside), inside.LastTransformer);
        Assert.Same(inside.GetResNet(), deep.GetResNet());
    }

    [Fact]
    public void AModelWithoutANetworkIsRefusedWithItsStages()
    {
        var copied = _ml.Transforms.CopyColumns("Pixels", "Bytes").Fit(_rows);
        var message = Assert.Throws<InvalidOperationException>(() => copied.GetResNet()).Message;

        Assert.Contains("no ResNetClassificationTransformer. Its stages are: ColumnCopyingTransformer.", message);
        Assert.Contains("Transforms.ApplyResNet", message);
        Assert.DoesNotContain("loaded", message);
        Assert.Throws<ArgumentNullException>(() => default(ITransformer)!.GetResNet());
    }

    // What the message advises is done here.
    [Fact]
    public void AModelFromAFileIsRefusedWithTheWayToItsNetwork()
    {
        using var fitted = Named(Network()).Fit(_rows);
        _ml.Model.Save(fitted, _rows.Schema, _folder["model.zip"]);
        using var loaded = (TransformerChain<ITransformer>)_ml.Model.Load(_folder["model.zip"], out _);

        var message = Assert.Throws<InvalidOperationException>(() => loaded.GetResNet()).Message;
        Assert.Contains("OnnxTransformer", message);
        Assert.Contains("loaded from a file", message);
        Assert.Contains("ResNetWeights.Load", message);

        var weights = ResNetWeights.Load(_folder["model.zip"]);
        using var again = _ml.Transforms.ApplyResNet(weights, TestClassifier.Tiny, imageColumnName: "Bytes").Fit(_rows);
        Assert.Equal(fitted.GetResNet().ClassNames.AsEnumerable(), again.GetResNet().ClassNames);
        Assert.Equal(fitted.GetResNet().Weights["fc.weight"].Values, again.GetResNet().Weights["fc.weight"].Values);
        again.ExportOnnx(_folder["network.onnx"]);
        Assert.True(File.Exists(_folder["network.onnx"]));
    }

    [Fact]
    public void OfSeveralNetworksNoneIsGuessed()
    {
        using var both = Network().Append(_ml.Transforms.CopyColumns("First", "Score")).Append(Network()).Fit(_rows);
        var message = Assert.Throws<InvalidOperationException>(() => both.GetResNet()).Message;

        Assert.Contains("2 residual networks (tiny, tiny)", message);
        Assert.NotNull(((IEnumerable<ITransformer>)both).OfType<ResNetClassificationTransformer>().ElementAt(0)); // as it advises
    }

    private EstimatorChain<Microsoft.ML.Transforms.KeyToValueMappingTransformer> Named(IEstimator<ITransformer> network) =>
        network.Append(_ml.Transforms.Conversion.MapKeyToValue("PredictedLabelText", "PredictedLabel"));

    private ResNetScoringEstimator Network()
    {
        var weights = ResNetWeights.Initialize(LayerPlan.Create(TestClassifier.Tiny, TestClassifier.Shape, 3), seed: 3);
        var preprocessing = new ImagePreprocessing(TestClassifier.Shape, [100, 110, 120], [50, 60, 70]);
        return _ml.Transforms.ApplyResNet(weights, TestClassifier.Tiny, ["a", "b", "c"], "Bytes", preprocessing);
    }
}
