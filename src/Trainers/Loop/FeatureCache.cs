using System.Collections.Immutable;
using System.Numerics;
using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Data;
using Microsoft.ML.ResNet.Trainers.Networks;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Loop;

/// <summary>Computes the features of every image, on which the head is then trained in place of the images.</summary>
/// <remarks>
/// Every image is seen as it is scored; with more than one copy the others are augmented, each in another way. They go through the network
/// in batches, without gradients, while the next batch is made.
/// </remarks>
/// <param name="network">The network.</param>
/// <param name="settings">How training images are augmented, the size of a batch, and the seed.</param>
/// <param name="copies">How often each training image is seen.</param>
/// <param name="store">Where features are kept.</param>
internal sealed class FeatureCache(ResidualNetwork network, TrainingSettings settings, int copies, ImageStore<float> store)
{
    /// <summary>Computes the features of all images.</summary>
    /// <param name="images">The images.</param>
    /// <param name="featureShape">The shape of features, as an image of one pixel.</param>
    public TrainingImages<float> Compute<T>(TrainingImages<T> images, ImageShape featureShape)
        where T : unmanaged, INumberBase<T>
    {
        ImmutableArray<float> zeros = [.. new float[featureShape.Channels]];
        var asTheyAre = new ImagePreprocessing(featureShape, Mean: zeros, StandardDeviation: [.. zeros.Select(_ => 1f)]);
        var validation = new List<ImageEntry>(images.Validation.Count);
        Add(validation, images.Validation, [InputPipeline.AsScored(images.Preprocessing)], epoch: null);
        return new TrainingImages<float>(
            ComputeTraining(images), new ImageSet<float>(store, [.. validation]), asTheyAre, images.Skipped)
        {
            ReadingTime = images.ReadingTime,
            LabelSets = images.LabelSets,
            ValidationRows = images.ValidationRows,
        };
    }

    /// <summary>Computes the features of the training images alone.</summary>
    public ImageSet<float> ComputeTraining<T>(TrainingImages<T> images)
        where T : unmanaged, INumberBase<T>
    {
        var features = new List<ImageEntry>(images.Training.Count * copies);
        var pipelines = InputPipelines.For(settings.Augmentation, settings.Recipe, images);
        Add(features, images.Training, [pipelines.AsScored()], epoch: null);
        for (var copy = 1; copy < copies; copy++)
        {
            Add(features, images.Training, pipelines.ForTraining(), epoch: copy);
        }

        return new ImageSet<float>(store, [.. features]);
    }

    // Without an epoch, in the images' order and without randomness.
    private void Add<T>(List<ImageEntry> features, ImageSet<T> images, InputPipeline[] pipelines, int? epoch)
        where T : unmanaged, INumberBase<T>
    {
        if (images.Count == 0)
        {
            return;
        }

        int? seed = epoch is null ? null : SeedMixer.Mix(settings.Seed, SeedUse.Features);
        using var loader = new BatchLoader<T>(
            images, settings.Recipe.BatchSize, pipelines, epochs: Math.Max(1, copies - 1), seed, tensors: network.Tensors);
        foreach (var batch in loader.Epoch(epoch ?? 1))
        {
            settings.CancellationToken.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var values = network.Features(batch.Images).ToCpu().contiguous().data<float>().ToArray();
            var size = values.Length / batch.Count;
            for (var i = 0; i < batch.Count; i++)
            {
                var feature = new StoredImage<float>(
                    values.AsMemory(i * size, size), 1, 1, (int)batch.LabelValues[i], batch.WeightValues[i]);
                features.Add(store.TryAdd(in feature) ?? throw store.NoRoom($"{size} features of each of {images.Count} images"));
            }
        }
    }
}
