using Microsoft.ML.ResNet.Trainers.Distributed;

namespace Microsoft.ML.ResNet.Trainers.Tests.Distributed;

/// <summary>Ranks that are threads of this process.</summary>
internal sealed class ThreadRanks : IDisposable
{
    private readonly Rank[] _ranks;
    private readonly Barrier _barrier;
    private readonly object?[] _given;

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
    private void Meet() => Assert.True(_barrier.SignalAndWait(TimeSpan.FromSeconds(60)), "Another rank failed.");

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

    // Done when it is waited for, which all ranks do in the same order.
    private sealed class Later(Action exchange) : IExchange
    {
        private int _begun;

        public void Begin() => _begun = 1;

        public bool IsOver(bool waits)
        {
            if (waits && Interlocked.Exchange(ref _begun, 0) == 1)
            {
                exchange();
            }

            return _begun == 0;
        }
    }

    private sealed class Rank(ThreadRanks all, int number) : ICollective
    {
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

        public unsafe IExchange PrepareAllToAll(void* sent, void* received, int[] blocks) => new Later(() =>
        {
            var given = all.Exchange(number, new ReadOnlySpan<byte>(sent, blocks.Sum()));
            var start = blocks.Take(number).Sum();
            for (var rank = 0; rank < given.Length; rank++)
            {
                if (rank != number)
                {
                    var target = new Span<byte>((byte*)received + rank * blocks[number], blocks[number]);
                    given[rank].AsSpan(start, blocks[number]).CopyTo(target);
                }
            }
        });

        public unsafe IExchange PrepareAllGather(void* values, int[] blocks) => new Later(() =>
        {
            var given = all.Exchange(number, new ReadOnlySpan<byte>(values, blocks.Sum()));
            for (var (rank, start) = (0, 0); rank < given.Length; start += blocks[rank++])
            {
                if (rank != number)
                {
                    given[rank].AsSpan(start, blocks[rank]).CopyTo(new Span<byte>((byte*)values + start, blocks[rank]));
                }
            }
        });

        public void Barrier() => all.Meet();

        public void Abort(string reason) => throw new AbortedException(reason);
    }
}
