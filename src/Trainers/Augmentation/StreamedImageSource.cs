using System.Numerics;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Augmentation;

/// <summary>Takes images that nobody keeps: they come from their shards, in an order of their own.</summary>
/// <param name="images">The images.</param>
/// <param name="plan">How they are cut into batches; all batches are made.</param>
/// <param name="seed">The seed of the order; null for that of the shards.</param>
internal sealed class StreamedImageSource<T>(StreamedImages<T> images, BatchPlan plan, int? seed) : IImageSource<T>
    where T : unmanaged, INumberBase<T>
{
    public IEnumerable<Batch> Epoch(int epoch, int firstBatch, Func<IEnumerable<BatchImages<T>>, IEnumerable<Batch>> fill) =>
        fill(Images(epoch, firstBatch));

    private IEnumerable<BatchImages<T>> Images(int epoch, int firstBatch)
    {
        using var stream = images.Epoch(seed, epoch, plan.StartOf(firstBatch), plan.IsNeeded).GetEnumerator();
        for (var batch = firstBatch; batch < plan.Count; batch++)
        {
            yield return new BatchImages<T>(batch, Next(stream, plan.SizeOf(batch)));
        }
    }

    private static IEnumerable<BatchImage<T>> Next(IEnumerator<StreamedImage<T>> stream, int count)
    {
        for (var i = 0; i < count && stream.MoveNext(); i++)
        {
            yield return new BatchImage<T>(stream.Current.Index, Repetition: 0, stream.Current.Image);
        }
    }
}
