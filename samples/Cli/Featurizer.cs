using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet;

namespace Cli;

/// <summary>Computes the features of images one by one.</summary>
internal sealed class Featurizer : IDisposable
{
    private readonly ResNetFeaturizingTransformer _model;
    private readonly PredictionEngine<ImageRow, Output> _engine;

    public Featurizer(Network network)
    {
        var ml = new MLContext();
        _model = ml.Transforms
            .ResNetFeaturizeImage(network.Weights, network.Architecture, nameof(ImageRow.Image), network.RequiredPreprocessing, nameof(Output.Features))
            .Fit(ml.Data.LoadFromEnumerable<ImageRow>([]));
        _engine = ml.Model.CreatePredictionEngine<ImageRow, Output>(_model);
        FeatureCount = network.Plan.FeatureCount;
    }

    public int FeatureCount { get; }

    public float[] Featurize(MLImage image) => _engine.Predict(new ImageRow { Image = image }).Features;

    public void Dispose()
    {
        _engine.Dispose();
        _model.Dispose();
    }

    private sealed class Output
    {
        public float[] Features { get; set; } = [];
    }
}
