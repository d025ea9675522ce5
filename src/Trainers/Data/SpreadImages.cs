using System.Numerics;
using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Trainers.Distributed;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>The images of a run where each rank keeps those of its share of the rows, and all know the entries of all.</summary>
/// <param name="ranks">The ranks.</param>
internal sealed class SpreadImages<T>(ICollective ranks)
    where T : unmanaged, INumberBase<T>
{
    private const long Finished = -1;

    private readonly Lock _lock = new(); // images are asked for by several threads, but ranks take one question at a time
    private ImageSet<T>[] _sets = [];

    /// <summary>Gets the ranks.</summary>
    public ICollective Ranks => ranks;

    /// <summary>Gets the rows that a rank reads: as many as another, give or take one, and all in a row.</summary>
    public static Range RowsOf(int rank, int ranks, int rows) =>
        (int)((long)rows * rank / ranks)..(int)((long)rows * (rank + 1) / ranks);

    /// <summary>Tells which sets of images there are.</summary>
    public void Hold(params ImageSet<T>[] sets) => _sets = sets;

    /// <summary>Gives every rank the entries of the rows that the others read.</summary>
    /// <param name="rows">All rows.</param>
    /// <param name="entries">An entry for each; those of this rank's rows are set, and the others will be.</param>
    public void Complete(LabeledRow[] rows, ImageEntry[] entries)
    {
        for (var rank = 0; rank < ranks.Size; rank++)
        {
            var (start, count) = RowsOf(rank, ranks.Size, rows.Length).GetOffsetAndLength(rows.Length);
            var sizes = new (int Length, int Height, int Width)[count];
            for (var i = 0; i < count && rank == ranks.Rank; i++)
            {
                ref readonly var entry = ref entries[start + i];
                sizes[i] = (entry.Length, entry.Height, entry.Width);
            }

            ranks.Broadcast(MemoryMarshal.AsBytes(sizes.AsSpan()), from: rank);
            for (var i = 0; i < count && rank != ranks.Rank; i++)
            {
                var (size, row) = (sizes[i], rows[start + i]);
                entries[start + i] = size.Length == 0
                    ? default
                    : new ImageEntry(ImageEntry.PlaceOnRank(rank), size.Length, size.Height, size.Width, row.Label, row.Weight);
            }
        }
    }

    /// <summary>Does something on rank 0, which may ask for any image meanwhile; the others answer until it is done.</summary>
    /// <returns>On rank 0 what it came to; on the others nothing.</returns>
    public TResult? OnFirst<TResult>(Func<TResult> work)
    {
        if (ranks.Rank > 0)
        {
            Answer();
            return default;
        }

        var result = work();
        ranks.OfFirst(Finished);
        return result;
    }

    /// <summary>Gets the pixels of an image that another rank keeps. On rank 0, in <see cref="OnFirst"/>.</summary>
    public T[] Ask(ImageSet<T> set, int index)
    {
        var entry = set.Entries[index];
        var pixels = new T[entry.Length];
        lock (_lock)
        {
            ranks.OfFirst((long)index * _sets.Length + Array.IndexOf(_sets, set));
            ranks.Broadcast(MemoryMarshal.AsBytes(pixels.AsSpan()), from: entry.Owner);
        }

        return pixels;
    }

    private void Answer()
    {
        T[] room = [];
        while (ranks.OfFirst(Finished) is not Finished and var asked)
        {
            var (set, index) = (_sets[asked % _sets.Length], (int)(asked / _sets.Length));
            var entry = set.Entries[index];
            room = room.Length < entry.Length ? new T[entry.Length] : room;
            var pixels = room.AsSpan(0, entry.Length);
            if (!entry.IsElsewhere)
            {
                set[index].Pixels.CopyTo(pixels);
            }

            ranks.Broadcast(MemoryMarshal.AsBytes(pixels), from: entry.IsElsewhere ? entry.Owner : ranks.Rank);
        }
    }
}
