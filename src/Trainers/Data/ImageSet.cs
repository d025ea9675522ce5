using System.Collections;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>Images in their order, which a store keeps.</summary>
/// <param name="store">The store; not owned.</param>
/// <param name="entries">An entry for each image.</param>
[CollectionBuilder(typeof(ImageSet), nameof(ImageSet.Of))]
internal sealed class ImageSet<T>(ImageStore<T> store, ImageEntry[] entries) : IReadOnlyList<StoredImage<T>>
    where T : unmanaged, INumberBase<T>
{
    /// <summary>Gets the number of images.</summary>
    public int Count => entries.Length;

    /// <summary>Gets the images' entries: what is known about them without reading a pixel.</summary>
    public ReadOnlySpan<ImageEntry> Entries => entries;

    /// <summary>Gets the images' labels.</summary>
    public IEnumerable<int> Labels => entries.Select(entry => entry.Label);

    /// <summary>Gets an image. Its pixels are valid for as long as the store is.</summary>
    public StoredImage<T> this[int index]
    {
        get
        {
            ref readonly var entry = ref entries[index];
            return new StoredImage<T>(store.Get(in entry), entry.Height, entry.Width, entry.Label, entry.Weight);
        }
    }

    public IEnumerator<StoredImage<T>> GetEnumerator()
    {
        for (var i = 0; i < entries.Length; i++)
        {
            yield return this[i];
        }
    }

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
