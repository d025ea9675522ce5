using Microsoft.ML;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Trainers;
using Studio.Data;
using Studio.Training;

namespace Studio.Use;

/// <summary>Keeps the trained network that was used last.</summary>
internal sealed class ModelCache(RunStore store, StudioOptions options) : IDisposable
{
    private readonly Lock _gate = new();
    private ResNetPredictor? _predictor;
    private (string Id, ResNetWeights Weights, ResNetClassificationTransformer Network)? _kept;

    /// <summary>Gets a run's weights, to start another from.</summary>
    public StartingPoint StartFrom(TrainingRun run) => With(run, (weights, network) => new StartingPoint(weights, network.Architecture));

    /// <summary>Uses a run's network. One caller at a time: a network is replaced when another is asked for.</summary>
    public T With<T>(TrainingRun run, Func<ResNetWeights, ResNetClassificationTransformer, T> use)
    {
        lock (_gate)
        {
            if (_kept?.Id != run.Id)
            {
                Dispose();
                _kept = null;
                _predictor = null;
                if (!store.Has(run.Id, "model.zip"))
                {
                    throw new RefusedException($"{run.Id} has no model yet: its training did not end.", StatusCodes.Status409Conflict);
                }

                var weights = ResNetWeights.Load(store.PathOf(run.Id, "model.zip"));
                var ml = new MLContext();
                _kept = (run.Id, weights, ml.Transforms.ApplyResNet(weights).Fit(ImageRows.Images(ml, [])));
            }

            return use(_kept.Value.Weights, _kept.Value.Network);
        }
    }

    /// <summary>Classifies an image, given as the content of its file.</summary>
    public ResNetPrediction Predict(TrainingRun run, byte[] image)
    {
        lock (_gate)
        {
            return With(run, (weights, _) => _predictor ??= ResNetPredictor.Create(weights)).Predict(image);
        }
    }

    /// <summary>Draws where in an image the network finds a class.</summary>
    public byte[] HeatMap(TrainingRun run, string path, string? className)
    {
        options.LoadTorch?.Invoke();
        return With(run, (_, network) =>
        {
            using var image = ResNetImage.Load(path);
            using var overlay = network.GradCam(image, network.ClassNames.Contains(className ?? "") ? className : null).Overlay();
            return Thumbnails.ToPng(overlay);
        });
    }

    public void Dispose()
    {
        _predictor?.Dispose();
        _kept?.Network.Dispose();
    }
}
