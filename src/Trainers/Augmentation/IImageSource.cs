using System.Numerics;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Augmentation;

/// <summary>Where the images of batches come from.</summary>
/// <typeparam name="T">byte or float.</typeparam>
internal interface IImageSource<T>
    where T : unmanaged, INumberBase<T>
{
    /// <summary>Yields an epoch's batches.</summary>
    /// <param name="epoch">The epoch, counted from 1.</param>
    /// <param name="firstBatch">The index of the first batch.</param>
    /// <param name="fill">Fills batches with images, in the order in which they come. It takes them on a thread of its own, as many batches
    /// ahead of the reader as the source was told.</param>
    IEnumerable<Batch> Epoch(int epoch, int firstBatch, Func<IEnumerable<BatchImages<T>>, IEnumerable<Batch>> fill);
}

/// <summary>The images that a batch is filled with, one for each of its places.</summary>
/// <param name="Batch">The index of the batch.</param>
/// <param name="Images">The images; each is valid until the next is asked for.</param>
internal readonly record struct BatchImages<T>(int Batch, IEnumerable<BatchImage<T>> Images)
    where T : unmanaged, INumberBase<T>;

/// <summary>An image in its place of a batch.</summary>
/// <param name="Index">Which of the images it is.</param>
/// <param name="Repetition">How often it came before in the same epoch.</param>
/// <param name="Image">Its pixels; null where another process makes it.</param>
internal readonly record struct BatchImage<T>(int Index, int Repetition, StoredImage<T>? Image)
    where T : unmanaged, INumberBase<T>;
