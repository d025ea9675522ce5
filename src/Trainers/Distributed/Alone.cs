namespace Microsoft.ML.ResNet.Trainers.Distributed;

/// <summary>A process that trains by itself.</summary>
internal sealed class Alone : ICollective
{
    private Alone()
    {
    }

    public static Alone Instance { get; } = new();

    public int Rank => 0;

    public int Size => 1;

    public void AllReduce(ReadOnlySpan<float> part, Span<float> total) => OrderedSum.Add(part, total);

    public void AllReduce(ReadOnlySpan<double> part, Span<double> total) => OrderedSum.Add(part, total);

    public void BeginSum(ReadOnlySpan<double> part) => throw new InvalidOperationException("It is alone.");

    public bool TryEndSum(Span<double> total) => throw new InvalidOperationException("It is alone.");

    public void AllGather(long value, Span<long> all) => all[0] = value;

    public void Broadcast(Span<byte> values, int from = 0)
    {
    }

    public void Exchange(
        ReadOnlySpan<byte> sent, ReadOnlySpan<int> sentCounts, Span<byte> received, ReadOnlySpan<int> receivedCounts)
    {
    }

    public unsafe IExchange PrepareAllToAll(void* sent, void* received, int[] blocks) =>
        throw new InvalidOperationException("It is alone.");

    public unsafe IExchange PrepareAllGather(void* values, int[] blocks) => throw new InvalidOperationException("It is alone.");

    public void Barrier()
    {
    }

    public void Abort(string reason) => throw new InvalidOperationException(reason);
}
