using System.Numerics;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Augmentation;

/// <summary>Takes images from the store that keeps them, in the order that the sampler draws.</summary>
/// <param name="images">The images.</param>
/// <param name="plan">How they are cut into batches.</param>
/// <param name="sampler">Draws their order.</param>
internal sealed class KeptImageSource<T>(ImageSet<T> images, BatchPlan plan, EpochSampler sampler) : IImageSource<T>
    where T : unmanaged, INumberBase<T>
{
    private readonly int[] _times = new int[images.Count]; // how often each image came in this epoch

    public IEnumerable<Batch> Epoch(int epoch, int firstBatch, Func<IEnumerable<BatchImages<T>>, IEnumerable<Batch>> fill) =>
        fill(Images(sampler.Order(epoch), firstBatch));

    /// <summary>Gets the images of an epoch.</summary>
    /// <param name="order">Their order.</param>
    /// <param name="firstBatch">The index of the first batch.</param>
    /// <param name="takeBrought">Takes, once for each batch, those of its images that were brought from other ranks; null where an image
    /// that is not here is asked for.</param>
    public IEnumerable<BatchImages<T>> Images(int[] order, int firstBatch, Func<Queue<StoredImage<T>>>? takeBrought = null)
    {
        Array.Clear(_times);
        for (var batch = 0; batch < plan.Count; batch++)
        {
            if (batch >= firstBatch && plan.IsOwn(batch))
            {
                yield return new BatchImages<T>(batch, ImagesOf(batch, order, takeBrought?.Invoke()));
                continue;
            }

            foreach (var index in order.AsSpan(plan.StartOf(batch), plan.SizeOf(batch)))
            {
                _times[index]++;
            }
        }
    }

    private IEnumerable<BatchImage<T>> ImagesOf(int batch, int[] order, Queue<StoredImage<T>>? brought)
    {
        var (start, size, slice) = (plan.StartOf(batch), plan.SizeOf(batch), plan.SliceOf(batch));
        for (var i = 0; i < size; i++)
        {
            var index = order[start + i];
            StoredImage<T>? image = !slice.Needs(i) ? null
                : brought is not null && images.Entries[index].IsElsewhere ? brought.Dequeue() : images[index];
            yield return new BatchImage<T>(index, _times[index]++, image);
        }
    }
}
