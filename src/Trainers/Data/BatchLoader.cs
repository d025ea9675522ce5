using System.Collections.Concurrent;
using System.Numerics;
using System.Runtime.ExceptionServices;
using Microsoft.ML.ResNet.Trainers.Augmentation;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>
/// Cuts images into batches, augments and normalizes them, on a thread of its own, a little ahead of the training step.
/// </summary>
/// <remarks>
/// An image's dice depend on the seed, the epoch and the image's index only: neither the order nor the speed of anything changes what
/// the network sees.
/// </remarks>
internal sealed class BatchLoader<T> : IDisposable
    where T : unmanaged, INumberBase<T>
{
    private const int Ahead = 2;

    private readonly StoredImage<T>[] _images;
    private readonly Normalization _normalization;
    private readonly int _imageSize;
    private readonly IAugmentation _augmentation;
    private readonly int? _shuffleSeed;
    private readonly int[] _sizes;
    private readonly Batch[] _batches;

    /// <param name="images">The images.</param>
    /// <param name="batchSize">The most images per batch.</param>
    /// <param name="preprocessing">The normalization.</param>
    /// <param name="augmentation">The augmentation.</param>
    /// <param name="shuffleSeed">The seed of order and augmentation; null to keep the images' order.</param>
    public BatchLoader(StoredImage<T>[] images, int batchSize, ImagePreprocessing preprocessing, IAugmentation augmentation, int? shuffleSeed)
    {
        _images = images;
        _normalization = new Normalization(preprocessing);
        _imageSize = preprocessing.Input.Size;
        _augmentation = augmentation;
        _shuffleSeed = shuffleSeed;
        _sizes = SplitEvenly(images.Length, batchSize);
        _batches = [.. Enumerable.Range(0, Ahead + 1).Select(_ => new Batch(Math.Min(batchSize, images.Length), preprocessing.Input))];
    }

    /// <summary>Gets the number of batches in an epoch.</summary>
    public int BatchesPerEpoch => _sizes.Length;

    /// <summary>Gets the number of images in an epoch.</summary>
    public int ImageCount => _images.Length;

    /// <summary>Yields an epoch's batches. Each is valid until the next one is asked for.</summary>
    public IEnumerable<Batch> Epoch(int epoch)
    {
        using var free = new BlockingCollection<Batch>();
        using var filled = new BlockingCollection<Batch>();
        using var stop = new CancellationTokenSource();
        foreach (var batch in _batches)
        {
            free.Add(batch);
        }

        ExceptionDispatchInfo? failure = null;
        var producer = new Thread(() =>
        {
            try
            {
                Fill(epoch, free, filled, stop.Token);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
            }
            catch (Exception exception)
            {
                failure = ExceptionDispatchInfo.Capture(exception);
            }
            finally
            {
                filled.CompleteAdding();
            }
        }) { IsBackground = true, Name = "ResNet batch loader" };
        producer.Start();
        try
        {
            foreach (var batch in filled.GetConsumingEnumerable())
            {
                yield return batch;
                free.Add(batch);
            }

            failure?.Throw();
        }
        finally
        {
            stop.Cancel();
            producer.Join();
        }
    }

    public void Dispose()
    {
        foreach (var batch in _batches)
        {
            batch.Dispose();
        }
    }

    private void Fill(int epoch, BlockingCollection<Batch> free, BlockingCollection<Batch> filled, CancellationToken stop)
    {
        var order = Order(epoch);
        var start = 0;
        foreach (var size in _sizes)
        {
            var batch = free.Take(stop);
            FillBatch(batch, order.AsSpan(start, size), epoch);
            filled.Add(batch, stop);
            start += size;
        }
    }

    private void FillBatch(Batch batch, ReadOnlySpan<int> indices, int epoch)
    {
        batch.Count = indices.Length;
        for (var i = 0; i < indices.Length; i++)
        {
            ref readonly var image = ref _images[indices[i]];
            var values = batch.ImageValues.Slice(i * _imageSize, _imageSize);
            _augmentation.Apply(in image, values, Dice(epoch, indices[i]));
            _normalization.Apply(values);
            batch.LabelValues[i] = image.Label;
            batch.WeightValues[i] = image.Weight;
        }
    }

    private int[] Order(int epoch)
    {
        var order = Enumerable.Range(0, _images.Length).ToArray();
        if (_shuffleSeed is not null)
        {
            Dice(epoch, image: -1).Shuffle(order);
        }

        return order;
    }

    private Random Dice(int epoch, int image) => new(SeedMixer.Mix(_shuffleSeed ?? 0, epoch, image));

    // 130 images at 64 are 44 + 43 + 43: no last batch is so small that its statistics mislead batch normalization.
    private static int[] SplitEvenly(int count, int batchSize)
    {
        var batches = (count + batchSize - 1) / batchSize;
        return [.. Enumerable.Range(0, batches).Select(i => count / batches + (i < count % batches ? 1 : 0))];
    }
}
