using System.Numerics;
using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Data;
using Microsoft.ML.ResNet.Trainers.Loop;
using Microsoft.ML.ResNet.Trainers.Networks;

namespace Microsoft.ML.ResNet.Trainers.Calibration;

/// <summary>A network whose training has ended, and what is still done to it; never to one that goes on training.</summary>
/// <param name="plan">The network.</param>
/// <param name="weights">Its weights.</param>
/// <param name="images">The images that it was trained on.</param>
/// <param name="settings">How it was trained.</param>
/// <param name="batchSize">The images per batch.</param>
internal sealed class TrainedNetwork<T>(
    LayerPlan plan, ResNetWeights weights, TrainingImages<T> images, TrainingSettings settings, int batchSize)
    where T : unmanaged, INumberBase<T>
{
    /// <summary>Gets the weights, with the statistics of batch normalization measured anew on training images.</summary>
    public ResNetWeights WithPreciseBatchNorm()
    {
        using var network = new ResidualNetwork(plan, weights, settings.Precision, tensors: settings.Tensors);
        var pipeline = InputPipelines.For(settings.Augmentation, settings.Recipe with { ColorNoise = 0 }, images).ForStatistics();
        var seed = SeedMixer.Mix(settings.Seed, SeedUse.PreciseBatchNorm);
        using var loader = new BatchLoader<T>(images.Training, batchSize, [pipeline], epochs: 1, seed, tensors: settings.Tensors);
        PreciseBatchNorm.Compute(network, loader, epoch: 1, settings.Recipe.PreciseBatchNormImages, settings.CancellationToken);
        return network.ToWeights();
    }

    /// <summary>Computes the logits of the validation images, and their labels.</summary>
    public (float[] Logits, int[] Labels) ValidationLogits()
    {
        // In float32, as scoring computes.
        using var network = new ResidualNetwork(plan, weights, TrainingPrecision.Float32, tensors: settings.Tensors);
        using var loader = new BatchLoader<T>(
            images.Validation,
            batchSize,
            [InputPipeline.AsScored(images.Preprocessing)],
            epochs: 1,
            shuffleSeed: null,
            tensors: settings.Tensors);
        return network.Logits(loader, settings.CancellationToken);
    }
}
