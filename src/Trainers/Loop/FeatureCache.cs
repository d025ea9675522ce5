using System.Collections.Immutable;
using System.Numerics;
using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Data;
using Microsoft.ML.ResNet.Trainers.Networks;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Loop;

/// <summary>Computes the features of every image, on which the head is then trained in place of the images.</summary>
internal static class FeatureCache
{
    public static TrainingImages<float> Compute<T>(
        ResidualNetwork network,
        TrainingImages<T> images,
        ImageShape featureShape,
        int batchSize,
        ImageStore<float> store,
        CancellationToken cancellation)
        where T : unmanaged, INumberBase<T>
    {
        ImmutableArray<float> zeros = [.. new float[featureShape.Channels]];
        var asTheyAre = new ImagePreprocessing(featureShape, Mean: zeros, StandardDeviation: [.. zeros.Select(_ => 1f)]);
        return new TrainingImages<float>(Features(images.Training), Features(images.Validation), asTheyAre, images.Skipped)
        {
            ReadingTime = images.ReadingTime,
        };

        ImageSet<float> Features(ImageSet<T> stored) =>
            new(store, stored.Count == 0 ? [] : Compute(network, stored, images.Preprocessing, batchSize, store, cancellation));
    }

    private static ImageEntry[] Compute<T>(
        ResidualNetwork network,
        ImageSet<T> images,
        ImagePreprocessing preprocessing,
        int batchSize,
        ImageStore<float> store,
        CancellationToken cancellation)
        where T : unmanaged, INumberBase<T>
    {
        using var loader = new BatchLoader<T>(images, batchSize, [InputPipeline.AsScored(preprocessing)], epochs: 1, shuffleSeed: null);
        var (features, next) = (new ImageEntry[images.Count], 0);
        foreach (var batch in loader.Epoch(1))
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var values = network.Features(batch.Images).contiguous().data<float>().ToArray();
            var size = values.Length / batch.Count;
            for (var i = 0; i < batch.Count; i++)
            {
                ref readonly var image = ref images.Entries[next];
                var feature = new StoredImage<float>(values.AsMemory(i * size, size), 1, 1, image.Label, image.Weight);
                features[next++] = store.TryAdd(in feature) ?? throw store.NoRoom($"{size} features of each of {images.Count} images");
            }
        }

        return features;
    }
}
