using System.Collections.Immutable;
using System.Numerics;
using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Data;
using Microsoft.ML.ResNet.Trainers.Networks;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Loop;

/// <summary>Computes the features of every image, which then stand in for the images.</summary>
internal static class FeatureCache
{
    public static TrainingImages<float> Compute<T>(ResidualNetwork network, TrainingImages<T> images, ImageShape featureShape, int batchSize, CancellationToken cancellation)
        where T : unmanaged, INumberBase<T>
    {
        ImmutableArray<float> zeros = [.. new float[featureShape.Channels]];
        var asTheyAre = new ImagePreprocessing(featureShape, Mean: zeros, StandardDeviation: [.. zeros.Select(_ => 1f)]);
        return new TrainingImages<float>(Features(images.Training), Features(images.Validation), asTheyAre, images.Skipped);

        StoredImage<float>[] Features(StoredImage<T>[] stored) => stored.Length == 0 ? [] : Compute(network, stored, images.Preprocessing, batchSize, cancellation);
    }

    private static StoredImage<float>[] Compute<T>(ResidualNetwork network, StoredImage<T>[] images, ImagePreprocessing preprocessing, int batchSize, CancellationToken cancellation)
        where T : unmanaged, INumberBase<T>
    {
        using var loader = new BatchLoader<T>(images, batchSize, [InputPipeline.AsScored(preprocessing)], epochs: 1, shuffleSeed: null);
        var features = new List<StoredImage<float>>(images.Length);
        foreach (var batch in loader.Epoch(1))
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var values = network.Features(batch.Images).contiguous().data<float>().ToArray();
            var size = values.Length / batch.Count;
            for (var i = 0; i < batch.Count; i++)
            {
                var image = images[features.Count];
                features.Add(new StoredImage<float>(values.AsSpan(i * size, size).ToArray(), 1, 1, image.Label, image.Weight));
            }
        }

        return [.. features];
    }
}
