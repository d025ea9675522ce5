using System.Collections.Immutable;
using Microsoft.ML;
using Microsoft.ML.ResNet;

namespace Cli;

/// <summary>Classifies images one by one. It needs no libtorch: it is the same chain of ML.NET's own transformers that a model.zip holds.</summary>
internal sealed class Classifier : IDisposable
{
    private readonly ResNetClassificationTransformer _model;
    private readonly PredictionEngine<ImageRow, Output> _engine;

    public Classifier(Network network)
    {
        var ml = new MLContext();
        _model = Fit(ml, network);
        _engine = ml.Model.CreatePredictionEngine<ImageRow, Output>(_model);
    }

    public ImmutableArray<string> ClassNames => _model.ClassNames;

    /// <summary>Makes the network as a transformer over a column of images.</summary>
    public static ResNetClassificationTransformer Fit(MLContext ml, Network network) =>
        ml.Transforms.ApplyResNet(network.Weights, network.Architecture, preprocessing: network.RequiredPreprocessing).Fit(ml.Data.LoadFromEnumerable<ImageRow>([]));

    /// <summary>Gets the probability of each class.</summary>
    public float[] Score(Microsoft.ML.Data.MLImage image) => _engine.Predict(new ImageRow { Image = image }).Score;

    public void Dispose()
    {
        _engine.Dispose();
        _model.Dispose();
    }

    private sealed class Output
    {
        public float[] Score { get; set; } = [];
    }
}
