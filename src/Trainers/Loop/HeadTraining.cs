using System.Numerics;
using Microsoft.ML.ResNet.Trainers.Checkpoints;
using Microsoft.ML.ResNet.Trainers.Data;
using Microsoft.ML.ResNet.Trainers.Log;
using Microsoft.ML.ResNet.Trainers.Networks;

namespace Microsoft.ML.ResNet.Trainers.Loop;

/// <summary>
/// Trains the head of a network whose other layers are frozen: their features are computed once, of each image as it is and of as many
/// augmented copies as asked for, and a network of one layer is trained on them.
/// </summary>
/// <param name="settings">How the head is trained, and how copies are augmented.</param>
/// <param name="copies">How often each image is seen: once as it is scored, then augmented.</param>
/// <param name="cache">The memory and disk space that images and features may use.</param>
/// <param name="checkpoints">Where checkpoints are kept; null for nowhere.</param>
/// <param name="reporter">What reports progress.</param>
internal sealed class HeadTraining(
    TrainingSettings settings, int copies, CacheLimits cache, CheckpointFolder? checkpoints, TrainingReporter reporter)
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
        reporter.Inform($"Computing the features of all images {Times}; only the head is trained.");
        var head = plan.HeadOnly();
        using var store = ImageStore<float>.Within(cache, taken: images.Store?.MemoryBytes ?? 0);
        TrainingImages<float> features;
        using (var network = new ResidualNetwork(plan, start, settings.Precision, tensors: settings.Tensors))
        {
            features = new FeatureCache(network, settings, copies, store).Compute(images, head.Input);
        }

        var (trained, end) = new NetworkTraining(settings with { Augmentation = ImageAugmentation.None }, checkpoints, reporter)
            .Run(head, start, features, checkpoint);
        return (With(start, trained), end);
    }

    /// <summary>Fits the head to the features at once, without a rate to choose: where the training of all layers then begins.</summary>
    /// <param name="plan">The whole network.</param>
    /// <param name="start">Its weights.</param>
    /// <param name="images">The images; only those to train on are looked at.</param>
    /// <returns>The weights of the whole network, with the head that fits.</returns>
    public ResNetWeights Fit<T>(LayerPlan plan, ResNetWeights start, TrainingImages<T> images)
        where T : unmanaged, INumberBase<T>
    {
        reporter.Inform($"Fitting the head to the features of all images, computed {Times}, before the rest is trained.");
        using var store = ImageStore<float>.Within(cache, taken: images.Store?.MemoryBytes ?? 0);
        using var network = new ResidualNetwork(plan, start, settings.Precision, tensors: settings.Tensors);
        var features = new FeatureCache(network, settings, copies, store).ComputeTraining(images);
        var (matrix, bias) = new HeadFit(
            [.. features.Select(feature => feature.Pixels.ToArray())],
            [.. features.Select(feature => feature.Label)],
            [.. features.Select(feature => feature.Weight)],
            plan.ClassCount,
            settings.LabelSets,
            settings.LabelWeights).Solve(cancellation: settings.CancellationToken);
        var (weight, shift) = (plan.Head.Weights[0], plan.Head.Weights[1]);
        return With(start, new ResNetWeights(
            [new WeightTensor(weight.Name, weight.Shape, matrix), new WeightTensor(shift.Name, shift.Shape, bias)]));
    }

    private string Times => copies == 1 ? "once" : $"{copies} times, of augmented copies too";

    private static ResNetWeights With(ResNetWeights weights, ResNetWeights updates) =>
        new(weights.Tensors.Select(tensor => updates.TryGet(tensor.Name, out var update) ? update : tensor));
}
