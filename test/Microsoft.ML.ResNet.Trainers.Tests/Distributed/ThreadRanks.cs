using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Trainers.Distributed;

namespace Microsoft.ML.ResNet.Trainers.Tests.Distributed;

/// <summary>Ranks that are threads of this process.</summary>
internal sealed class ThreadRanks : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Rank[] _ranks;
    private readonly Barrier _barrier;
    private readonly object?[] _given;
    private readonly ConcurrentDictionary<(string Exchange, int Round), Given> _underWay = new();

    public ThreadRanks(int count)
    {
        (_barrier, _given) = (new Barrier(count), new object?[count]);
        _ranks = [.. Enumerable.Range(0, count).Select(rank => new Rank(this, rank))];
    }

    public ICollective this[int rank] => _ranks[rank];

    /// <summary>Runs something on every rank.</summary>
    public T[] Run<T>(Func<ICollective, T> work)
    {
        var (results, failures) = (new T[_ranks.Length], new Exception?[_ranks.Length]);
        Thread[] threads = [.. _ranks.Select(rank => new Thread(() => failures[rank.Number] = Record.Exception(() =>
        {
            results[rank.Number] = work(rank);
        })))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        Assert.All(failures, failure => Assert.Null(failure));
        return results;
    }

    public void Dispose() => _barrier.Dispose();

    // One that failed does not come.
    private void Meet() => Assert.True(_barrier.SignalAndWait(Patience), "Another rank failed.");

    // What every rank gives, in their order.
    private T[][] Exchange<T>(int rank, ReadOnlySpan<T> values)
    {
        _given[rank] = values.ToArray();
        Meet();
        T[][] all = [.. _given.Select(given => (T[])given!)];
        Meet();
        return all;
    }

    public sealed class AbortedException(string message) : Exception(message);

    private Given Of(string exchange, int round) => _underWay.GetOrAdd((exchange, round), _ => new Given(_ranks.Length));

    // What the ranks give in one round of an exchange. Others take it when all have given.
    private sealed class Given(int ranks)
    {
        private readonly Stopwatch _since = Stopwatch.StartNew();

        public byte[]?[] Bytes { get; } = new byte[ranks][];

        public bool IsComplete
        {
            get
            {
                var isComplete = Bytes.All(bytes => bytes is not null);
                Assert.True(isComplete || _since.Elapsed < Patience, "Another rank failed.");
                return isComplete;
            }
        }
    }

    // All ranks prepare the same exchanges in the same order, and begin the rounds of each in order.
    private sealed class Exchanged(ThreadRanks all, int rank, string name, Func<byte[]> give, Action<byte[][]> take) : IExchange
    {
        private int _rounds;
        private Given? _given;

        public void Begin() => Interlocked.Exchange(ref (_given = all.Of(name, _rounds++)).Bytes[rank], give());

        public bool TryEnd()
        {
            if (_given is { IsComplete: false })
            {
                return false;
            }

            if (_given is { } given)
            {
                take(given.Bytes!);
                _given = null;
            }

            return true;
        }
    }

    private sealed class Rank(ThreadRanks all, int number) : ICollective
    {
        private int _sums, _exchanges;
        private Given? _sum;

        public int Number => number;

        int ICollective.Rank => number;

        public int Size => all._ranks.Length;

        public void AllReduce(ReadOnlySpan<float> part, Span<float> total)
        {
            foreach (var given in all.Exchange(number, part))
            {
                OrderedSum.Add(given, total);
            }
        }

        public void AllReduce(ReadOnlySpan<double> part, Span<double> total)
        {
            foreach (var given in all.Exchange(number, part))
            {
                OrderedSum.Add(given, total);
            }
        }

        public void BeginSum(ReadOnlySpan<double> part) =>
            Interlocked.Exchange(ref (_sum = all.Of("sum", _sums++)).Bytes[number], MemoryMarshal.AsBytes(part).ToArray());

        public bool TryEndSum(Span<double> total)
        {
            if (!_sum!.IsComplete)
            {
                return false;
            }

            total.Clear();
            foreach (var bytes in _sum.Bytes)
            {
                OrderedSum.Add(MemoryMarshal.Cast<byte, double>(bytes), total);
            }

            return true;
        }

        public void AllGather(long value, Span<long> values)
        {
            var given = all.Exchange<long>(number, [value]);
            for (var rank = 0; rank < given.Length; rank++)
            {
                values[rank] = given[rank][0];
            }
        }

        public void Broadcast(Span<byte> values, int from = 0) => all.Exchange<byte>(number, values)[from].CopyTo(values);

        public void Exchange(
            ReadOnlySpan<byte> sent, ReadOnlySpan<int> sentCounts, Span<byte> received, ReadOnlySpan<int> receivedCounts)
        {
            var (values, counts) = (all.Exchange(number, sent), all.Exchange(number, sentCounts));
            for (var rank = 0; rank < counts.Length; rank++)
            {
                Assert.Equal(receivedCounts[rank], counts[rank][number]);
                values[rank].AsSpan(counts[rank].AsSpan(0, number).ToArray().Sum(), receivedCounts[rank]).CopyTo(received);
                received = received[receivedCounts[rank]..];
            }
        }

        public unsafe IExchange PrepareAllToAll(void* sent, void* received, int[] blocks) => Prepare(
            () => new ReadOnlySpan<byte>(sent, blocks.Sum()).ToArray(),
            given =>
            {
                var start = blocks.Take(number).Sum();
                foreach (var rank in Enumerable.Range(0, given.Length).Where(rank => rank != number))
                {
                    var target = new Span<byte>((byte*)received + rank * blocks[number], blocks[number]);
                    given[rank].AsSpan(start, blocks[number]).CopyTo(target);
                }
            });

        public unsafe IExchange PrepareAllGather(void* values, int[] blocks) => Prepare(
            () => new ReadOnlySpan<byte>(values, blocks.Sum()).ToArray(),
            given =>
            {
                for (var (rank, start) = (0, 0); rank < given.Length; start += blocks[rank++])
                {
                    if (rank != number)
                    {
                        given[rank].AsSpan(start, blocks[rank]).CopyTo(new Span<byte>((byte*)values + start, blocks[rank]));
                    }
                }
            });

        private Exchanged Prepare(Func<byte[]> give, Action<byte[][]> take) => new(all, number, $"{_exchanges++}", give, take);

        public void Barrier() => all.Meet();

        public void Abort(string reason) => throw new AbortedException(reason);
    }
}
