using System.Collections;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>Images in their order, which a store keeps; or which are streamed, and come in the order of an epoch only.</summary>
/// <param name="store">The store; not owned.</param>
/// <param name="entries">An entry for each image.</param>
/// <param name="spread">The ranks that keep the images together; null where the store has all of them.</param>
/// <param name="stream">What reads the images anew in each epoch; null where they are kept.</param>
[CollectionBuilder(typeof(ImageSet), nameof(ImageSet.Of))]
internal sealed class ImageSet<T>(
    ImageStore<T> store, ImageEntry[] entries, SpreadImages<T>? spread = null, StreamedImages<T>? stream = null)
    : IReadOnlyList<StoredImage<T>>
    where T : unmanaged, INumberBase<T>
{
    /// <summary>Gets the number of images.</summary>
    public int Count => entries.Length;

    /// <summary>Gets the images' entries: what is known about them without reading a pixel.</summary>
    public ReadOnlySpan<ImageEntry> Entries => entries;

    /// <summary>Gets the images' labels.</summary>
    public IEnumerable<int> Labels => entries.Select(entry => entry.Label);

    /// <summary>Gets the ranks that keep the images together; null where all are here.</summary>
    public SpreadImages<T>? Spread => spread;

    /// <summary>Gets what reads the images anew in each epoch; null where they are kept.</summary>
    public StreamedImages<T>? Stream => stream;

    /// <summary>Gets an image that is kept. Its pixels are valid for as long as the store is. One of another rank can be had in <see
    /// cref="SpreadImages{T}.OnFirst"/> only.</summary>
    public StoredImage<T> this[int index]
    {
        get
        {
            ref readonly var entry = ref entries[index];
            return With(in entry, entry.IsElsewhere ? spread!.Ask(this, index) : store.Get(in entry));
        }
    }

    /// <summary>Gets an image whose pixels came from another rank.</summary>
    public StoredImage<T> With(int index, ReadOnlyMemory<T> pixels) => With(in entries[index], pixels);

    /// <summary>Computes numbers from all images. Where several ranks keep them, rank 0 does, and gives them to the others.</summary>
    /// <param name="count">How many numbers.</param>
    /// <param name="compute">What computes them.</param>
    public TNumber[] Compute<TNumber>(int count, Func<TNumber[]> compute)
        where TNumber : unmanaged
    {
        if (spread is null)
        {
            return compute();
        }

        var numbers = spread.OnFirst(compute) ?? new TNumber[count];
        spread.Ranks.Broadcast(MemoryMarshal.AsBytes(numbers.AsSpan()));
        return numbers;
    }

    /// <summary>Gets the images in their order. One that is streamed is valid until the next is asked for.</summary>
    public IEnumerator<StoredImage<T>> GetEnumerator()
    {
        for (var i = 0; i < entries.Length && stream is null; i++)
        {
            yield return this[i];
        }

        foreach (var streamed in stream?.Epoch(seed: null, epoch: 0) ?? [])
        {
            yield return streamed.Image!.Value;
        }
    }

    private static StoredImage<T> With(in ImageEntry entry, ReadOnlyMemory<T> pixels) =>
        new(pixels, entry.Height, entry.Width, entry.Label, entry.Weight);

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

/// <summary>Makes sets of images that are in memory.</summary>
internal static class ImageSet
{
    public static ImageSet<T> Of<T>(ReadOnlySpan<StoredImage<T>> images)
        where T : unmanaged, INumberBase<T>
    {
        var (store, entries) = (new ImageStore<T>(long.MaxValue, file: null), new ImageEntry[images.Length]);
        for (var i = 0; i < images.Length; i++)
        {
            entries[i] = store.TryAdd(in images[i])!.Value;
        }

        return new ImageSet<T>(store, entries);
    }
}
