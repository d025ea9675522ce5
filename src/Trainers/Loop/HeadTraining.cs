using System.Numerics;
using Microsoft.ML.ResNet.Trainers.Checkpoints;
using Microsoft.ML.ResNet.Trainers.Data;
using Microsoft.ML.ResNet.Trainers.Log;
using Microsoft.ML.ResNet.Trainers.Networks;

namespace Microsoft.ML.ResNet.Trainers.Loop;

/// <summary>
/// Trains the head of a network whose other layers are frozen. Without augmentation, the frozen layers give the same features in every
/// epoch: these are computed once, and a network of one layer is trained on them.
/// </summary>
/// <param name="settings">How the head is trained; images are not augmented, whatever the settings say.</param>
/// <param name="cache">The memory and disk space that images and features may use.</param>
/// <param name="checkpoints">Where checkpoints are kept; null for nowhere.</param>
/// <param name="reporter">What reports progress.</param>
internal sealed class HeadTraining(TrainingSettings settings, CacheLimits cache, CheckpointFolder? checkpoints, TrainingReporter reporter)
{
    /// <summary>Trains the head.</summary>
    /// <param name="plan">The whole network.</param>
    /// <param name="start">Its weights.</param>
    /// <param name="images">The images.</param>
    /// <param name="checkpoint">The checkpoint to go on from; null to start.</param>
    /// <returns>The weights of the whole network, of which those of the head are trained, and where training ended.</returns>
    public (ResNetWeights Weights, TrainingState End) Run<T>(
        LayerPlan plan, ResNetWeights start, TrainingImages<T> images, Checkpoint? checkpoint)
        where T : unmanaged, INumberBase<T>
    {
        reporter.Inform("Computing the features of all images once; only the head is trained.");
        var head = plan.HeadOnly();
        using var store = ImageStore<float>.Within(cache, taken: images.Store?.MemoryBytes ?? 0);
        TrainingImages<float> features;
        using (var network = new ResidualNetwork(plan, start, settings.Precision))
        {
            features = FeatureCache.Compute(network, images, head.Input, settings.Recipe.BatchSize, store, settings.CancellationToken);
        }

        var (trained, end) = new NetworkTraining(settings with { Augmentation = ImageAugmentation.None }, checkpoints, reporter)
            .Run(head, start, features, checkpoint);
        return (new ResNetWeights(start.Tensors.Select(tensor => trained.TryGet(tensor.Name, out var update) ? update : tensor)), end);
    }
}
