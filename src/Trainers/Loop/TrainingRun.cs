using System.Collections.Immutable;
using System.Numerics;
using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Data;
using Microsoft.ML.ResNet.Trainers.Networks;
using Microsoft.ML.ResNet.Trainers.Optimization;

namespace Microsoft.ML.ResNet.Trainers.Loop;

/// <summary>Makes everything that a training loop needs, runs it, and frees it. To be used on the training thread.</summary>
internal sealed class TrainingRun(LayerPlan plan, ResNetTrainer.Options options, int seed, TrainingReporter reporter)
{
    // The order in which things are made matters: the thread count before any tensor, the optimizer after the network.
    public (ResNetWeights Weights, TrainingHistory History) Train<T>(TrainingImages<T> images)
        where T : unmanaged, INumberBase<T>
    {
        using var threads = new TorchThreads(options.ThreadCount);
        var precision = PrecisionProbe.Resolve(options.Precision);
        var start = StartingWeights.For(plan, options.InitialWeights, SeedMixer.Mix(seed, SeedUse.Weights));
        var augmentation = MakeAugmentation(images.Preprocessing);
        var (weights, epochs, stoppedEarly) = options.TrainableLayers == TrainableLayers.Head && augmentation is NoAugmentation
            ? TrainHeadOnCachedFeatures(images, start, precision)
            : Train(plan, start, precision, images, augmentation);
        return (weights, new TrainingHistory
        {
            Epochs = epochs,
            Seed = seed,
            TrainingImages = images.Training.Length,
            ValidationImages = images.Validation.Length,
            SkippedImages = images.Skipped,
            StoppedEarly = stoppedEarly,
        });
    }

    private (ResNetWeights Weights, ImmutableArray<EpochResult> Epochs, string? StoppedEarly) Train<T>(
        LayerPlan layers, ResNetWeights start, TrainingPrecision precision, TrainingImages<T> images, IAugmentation augmentation)
        where T : unmanaged, INumberBase<T>
    {
        using var network = new ResidualNetwork(layers, start, precision);
        using var optimizer = new SgdOptimizer(network.Parameters, LayerDepth.RateScales(layers, options.LayerDecay), options.Momentum, options.WeightDecay);
        using var training = new BatchLoader<T>(images.Training, options.BatchSize, images.Preprocessing, augmentation, SeedMixer.Mix(seed, SeedUse.Batches));
        using var validation = images.Validation.Length == 0 ? null : new BatchLoader<T>(images.Validation, options.BatchSize, images.Preprocessing, new NoAugmentation(), shuffleSeed: null);
        return new TrainingLoop<T>(network, optimizer, MakeSchedule(training.BatchesPerEpoch), training, validation, options, reporter).Run();
    }

    // The frozen part gives the same features in every epoch: they are computed once, and are then the images of a network of one layer.
    private (ResNetWeights Weights, ImmutableArray<EpochResult> Epochs, string? StoppedEarly) TrainHeadOnCachedFeatures<T>(TrainingImages<T> images, ResNetWeights start, TrainingPrecision precision)
        where T : unmanaged, INumberBase<T>
    {
        reporter.Inform("Computing the features of all images once; only the head is trained.");
        var head = plan.HeadOnly();
        TrainingImages<float> features;
        using (var network = new ResidualNetwork(plan, start, precision))
        {
            features = FeatureCache.Compute(network, images, head.Input, options);
        }

        var (trained, epochs, stoppedEarly) = Train(head, start, precision, features, new NoAugmentation());
        return (new ResNetWeights(start.Tensors.Select(tensor => trained.TryGet(tensor.Name, out var update) ? update : tensor)), epochs, stoppedEarly);
    }

    private LearningRateSchedule MakeSchedule(int stepsPerEpoch) =>
        new(options.LearningRate, (long)options.Epochs * stepsPerEpoch, (long)(options.WarmupEpochs * stepsPerEpoch), options.LearningRateDrops, options.LearningRateDropFactor, options.LearningRateDecay);

    private IAugmentation MakeAugmentation(ImagePreprocessing preprocessing) => options.AugmentationFor(preprocessing.Input) switch
    {
        ImageAugmentation.CropAndFlip => new CropAndFlip(preprocessing.Input, new Normalization(preprocessing), options.HorizontalFlip),
        ImageAugmentation.ResizedCropAndFlip => new ResizedCropAndFlip(preprocessing.Input, options.HorizontalFlip),
        _ => new NoAugmentation(),
    };
}
