using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Shards;
using Microsoft.ML.ResNet.Trainers.Distributed;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>
/// Training images that nobody keeps: each epoch reads them anew from their shards, in an order drawn from the seed and the epoch.
/// </summary>
/// <remarks>
/// A thread reads their files, and mixes as many as the options of the shards say; a <see cref="ParallelDecoder{T}"/> decodes them. Of all
/// images nothing is in memory but their entries and their places in the shards.
/// </remarks>
/// <typeparam name="T">byte or float.</typeparam>
/// <param name="source">The shards, and the pipeline's stages.</param>
/// <param name="open">Opens a cursor over rows, and what reads its images.</param>
/// <param name="channels">The channels of the images.</param>
/// <param name="cancellation">Stops reading.</param>
internal sealed class StreamedImages<T>(
    ShardSource source,
    Func<IDataView, (DataViewRowCursor Cursor, RowImageReader<T> Reader)> open,
    int channels,
    CancellationToken cancellation) : IDisposable
    where T : unmanaged, INumberBase<T>
{
    private readonly ParallelDecoder<T> _decoder = new(source, open);
    private readonly List<string> _skipped = [];
    private readonly PixelSums _sums = new(channels);
    private long[] _ids = []; // of the samples, ascending: an image's index is the place of its own
    private ImageEntry[] _entries = [];
    private bool _whole;
    private ulong _pixels;

    /// <summary>Gets what was wrong with the images that were left out.</summary>
    public IEnumerable<string> Skipped => _skipped;

    /// <summary>Gets the sums of the pixels of the images, where they are bytes.</summary>
    public PixelSums Sums => _sums;

    /// <summary>Gets what tells these images, and the buffer that mixes them, from others.</summary>
    public string Identity => FormattableString.Invariant(
        $"{_pixels:x16} {source.Shards.Options.ShuffleBuffer} {source.Shards.Options.ShuffleBufferBytes}");

    /// <summary>Gets the most images that were decoded and not yet given back at one time.</summary>
    public int MostHeld => _decoder.MostHeld;

    /// <summary>Puts rows into the order in which the samples lie in the shards.</summary>
    public static LabeledRow[] InOrder(LabeledRow[] rows) => [.. rows.OrderBy(row => IdOf(row.Id))];

    /// <summary>Decodes all images once, on all cores, and gives what is to be known of each.</summary>
    /// <param name="rows">The rows, in the order of the shards.</param>
    /// <param name="own">Those that this rank decodes.</param>
    /// <param name="whole">Whether whole images are decoded, of those that are trained on.</param>
    /// <param name="keep">Keeps an image that is held out, and gives its entry; null for one that is trained on.</param>
    /// <returns>An entry for each row; one that is not read where it could not be, or is another rank's.</returns>
    /// <exception cref="BadImageException">An image cannot be read, and is not to be skipped.</exception>
    public ImageEntry[] ReadOnce(LabeledRow[] rows, Range own, bool whole, Func<int, Func<StoredImage<T>, ImageEntry>?> keep)
    {
        (_ids, _whole) = (Array.ConvertAll(rows, row => IdOf(row.Id)), whole);
        var entries = new ImageEntry[rows.Length];
        var (start, count) = own.GetOffsetAndLength(rows.Length);
        var samples = Samples(seed: null, epoch: 0, first: 0, isWanted: place => place >= start && place < start + count);
        var seen = 0;
        foreach (var (index, read, failure) in _decoder.Decode(samples, i => (rows[i].Label, rows[i].Weight, whole && keep(i) is null)))
        {
            cancellation.ThrowIfCancellationRequested();
            seen++;
            if (failure.Length > 0)
            {
                _skipped.Add(failure);
            }

            if (read is { } image)
            {
                entries[index] = keep(index) is { } held ? held(image) : EntryOf(index, in image);
            }
        }

        return seen == rows.Length ? entries : throw Fewer(seen, rows.Length);
    }

    /// <summary>Adds up what each rank decoded.</summary>
    public void AddUp(ICollective ranks)
    {
        _sums.AddUp(values => Array.ConvertAll(values, value => ranks.All(value).Sum()));
        _pixels = ranks.All((long)_pixels).Aggregate(0UL, (sum, own) => sum + (ulong)own);
    }

    /// <summary>Tells which images are trained on.</summary>
    /// <param name="rows">Their rows, in the order of the shards.</param>
    /// <param name="entries">Their entries.</param>
    public void Hold(IEnumerable<LabeledRow> rows, ImageEntry[] entries) =>
        (_ids, _entries) = ([.. rows.Select(row => IdOf(row.Id))], entries);

    /// <summary>Reads the images in the order of an epoch, each valid until the next is asked for.</summary>
    /// <param name="seed">The seed of the order; null for that of the shards.</param>
    /// <param name="epoch">The epoch: each has another order.</param>
    /// <param name="first">How many images of that order are passed over, without reading them where that can be.</param>
    /// <param name="isWanted">Tells of a place in that order whether its image is decoded; null where each is.</param>
    /// <exception cref="BadImageException">An image is not any more what it was.</exception>
    public IEnumerable<StreamedImage<T>> Epoch(int? seed, int epoch, int first = 0, Func<int, bool>? isWanted = null)
    {
        isWanted ??= _ => true;
        var place = first;
        foreach (var streamed in _decoder.Decode(
            Samples(seed, epoch, first, isWanted), i => (_entries[i].Label, _entries[i].Weight, _whole)))
        {
            if (isWanted(place++))
            {
                Check(streamed);
            }

            yield return streamed;
        }

        if (place != _ids.Length)
        {
            throw Fewer(place, _ids.Length);
        }
    }

    public void Dispose() => _decoder.Dispose();

    private static long IdOf(DataViewRowId id) => ((long)id.High << 32) | (uint)id.Low;

    private static InvalidOperationException Fewer(int seen, int count) => new(
        $"The shards gave {seen} training images, where they had {count} before: one of them was changed or cut short while it was trained "
        + "on. Train on shards that nobody writes to.");

    // The hash is a sum: ranks add theirs up, and the order does not matter.
    private ImageEntry EntryOf(int index, in StoredImage<T> image)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(MemoryMarshal.AsBytes(image.Pixels), hash);
        _pixels += BinaryPrimitives.ReadUInt64LittleEndian(hash) * (2 * (ulong)index + 1);
        if (typeof(T) == typeof(byte))
        {
            _sums.Add(MemoryMarshal.AsBytes(image.Pixels));
        }

        return new ImageEntry(ImageEntry.Streamed, image.Pixels.Length, image.Height, image.Width, image.Label, image.Weight);
    }

    private void Check(StreamedImage<T> streamed)
    {
        ref readonly var entry = ref _entries[streamed.Index];
        if (streamed.Image is not { } image)
        {
            throw new BadImageException($"An image changed while it was trained on. {streamed.Failure}", null);
        }

        if ((image.Height, image.Width) != (entry.Height, entry.Width))
        {
            var id = _ids[streamed.Index];
            throw new BadImageException(
                $"Sample {(int)id} (counted from 0) of shard '{source.Shards.Shards[(int)(id >> 32)]}' changed while it was trained on: "
                + $"it was {entry.Height}×{entry.Width} pixels as it is read, and is {image.Height}×{image.Width}.",
                null);
        }
    }

    // On the thread that reads. Rows that are not trained on are passed over.
    private IEnumerable<(int Index, ShardSample? Sample)> Samples(int? seed, int epoch, int first, Func<int, bool> isWanted)
    {
        var (start, group, place) = first == 0 ? default : GroupOf(seed, epoch, first);
        using var samples = source.Shards.OpenSamples(seed, epoch, wantsImages: true, start, group);
        while (samples.Next() is { } sample)
        {
            var index = IndexOf(sample);
            if (index < 0 || place++ < first)
            {
                sample.Dispose();
            }
            else if (isWanted(place - 1))
            {
                yield return (index, sample);
            }
            else
            {
                sample.Dispose();
                yield return (index, null);
            }
        }
    }

    // Where the group begins in which an image of the order lies, and how many images are before it. No image is read.
    private (ShardPlace Start, int Group, int Place) GroupOf(int? seed, int epoch, int image)
    {
        using var samples = source.Shards.OpenSamples(seed, epoch, wantsImages: false);
        var (found, place) = ((Start: default(ShardPlace), Group: -1, Place: 0), 0);
        while (place <= image && samples.Next() is { } sample)
        {
            cancellation.ThrowIfCancellationRequested();
            if (samples.Group != found.Group)
            {
                found = (samples.GroupStart, samples.Group, place);
            }

            place += IndexOf(sample) >= 0 ? 1 : 0;
            sample.Dispose();
        }

        return found;
    }

    private int IndexOf(ShardSample sample) => Array.BinarySearch(_ids, ((long)sample.Shard << 32) | (uint)sample.Number);
}
