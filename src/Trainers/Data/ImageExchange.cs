using System.Numerics;
using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Trainers.Distributed;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>Brings each rank the images that it needs next and others keep. All ranks call it, for the same round.</summary>
/// <param name="images">The images.</param>
/// <param name="ranks">The ranks that keep them together.</param>
/// <param name="rounds">For how many rounds what was brought is valid.</param>
internal sealed class ImageExchange<T>(ImageSet<T> images, ICollective ranks, int rounds)
    where T : unmanaged, INumberBase<T>
{
    private readonly T[][] _received = [.. Enumerable.Repeat<T[]>([], rounds)];
    private readonly int[] _sentCounts = new int[ranks.Size], _receivedCounts = new int[ranks.Size];
    private readonly int[] _starts = new int[ranks.Size];
    private T[] _sent = [];
    private int _round;

    /// <summary>Brings them.</summary>
    /// <param name="needed">For each rank, the places of the images that it needs; those that it has itself do no harm.</param>
    /// <returns>Those of this rank's that it did not have, in the order in which it needs them.</returns>
    public Queue<StoredImage<T>> Bring(IReadOnlyList<int>[] needed)
    {
        var sent = Collect(needed);
        var total = 0;
        Array.Clear(_receivedCounts);
        foreach (var index in needed[ranks.Rank])
        {
            ref readonly var entry = ref images.Entries[index];
            if (entry.IsElsewhere)
            {
                _receivedCounts[entry.Owner] += entry.Length;
                total += entry.Length;
            }
        }

        ref var received = ref _received[_round++ % rounds];
        received = received.Length < total ? new T[total] : received;
        for (var (rank, start) = (0, 0); rank < ranks.Size; start += _receivedCounts[rank++])
        {
            _starts[rank] = start;
        }

        ranks.Exchange(
            MemoryMarshal.AsBytes(sent), InBytes(_sentCounts), MemoryMarshal.AsBytes(received.AsSpan(0, total)), InBytes(_receivedCounts));
        return Sort(needed[ranks.Rank], received);
    }

    // What this rank has of what the others need, in their order.
    private ReadOnlySpan<T> Collect(IReadOnlyList<int>[] needed)
    {
        var total = 0;
        Array.Clear(_sentCounts);
        for (var rank = 0; rank < ranks.Size; rank++)
        {
            foreach (var index in rank == ranks.Rank ? [] : needed[rank])
            {
                ref readonly var entry = ref images.Entries[index];
                if (!entry.IsElsewhere)
                {
                    var end = total + entry.Length;
                    if (_sent.Length < end)
                    {
                        Array.Resize(ref _sent, Math.Max(end, 2 * _sent.Length));
                    }

                    images[index].Pixels.CopyTo(_sent.AsSpan(total));
                    (total, _sentCounts[rank]) = (end, _sentCounts[rank] + entry.Length);
                }
            }
        }

        return _sent.AsSpan(0, total);
    }

    // Each rank sent its images in the order in which they are needed.
    private Queue<StoredImage<T>> Sort(IReadOnlyList<int> needed, T[] received)
    {
        var sorted = new Queue<StoredImage<T>>();
        foreach (var index in needed)
        {
            ref readonly var entry = ref images.Entries[index];
            if (entry.IsElsewhere)
            {
                sorted.Enqueue(images.With(index, received.AsMemory(_starts[entry.Owner], entry.Length)));
                _starts[entry.Owner] += entry.Length;
            }
        }

        return sorted;
    }

    private static unsafe int[] InBytes(int[] counts) => Array.ConvertAll(counts, count => checked(count * sizeof(T)));
}
