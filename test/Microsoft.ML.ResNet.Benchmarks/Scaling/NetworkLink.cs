namespace Benchmarks.Scaling;

/// <summary>What connects a process to all others: as fast in both directions at once, through a switch that is never full.</summary>
/// <param name="Gigabits">Gigabits per second, in each direction.</param>
/// <param name="Latency">Seconds from the call that sends a small message to the end of the one that receives it.</param>
internal sealed record NetworkLink(double Gigabits, double Latency)
{
    /// <summary>Gets the bytes per second, in each direction.</summary>
    public double BytesPerSecond => Gigabits * 1e9 / 8;

    /// <summary>Gets the time of a collection from all ranks to all, in which what is known doubles with each round.</summary>
    /// <param name="ranks">The ranks.</param>
    /// <param name="bytes">What each of them gives.</param>
    public double Gather(int ranks, double bytes) =>
        ranks == 1 ? 0 : Math.Ceiling(Math.Log2(ranks)) * Latency + (ranks - 1) * bytes / BytesPerSecond;

    /// <summary>Gets the time in which each rank sends every other one a block: one after the other.</summary>
    /// <param name="ranks">The ranks.</param>
    /// <param name="bytes">The bytes of a block.</param>
    public double Blocks(int ranks, double bytes) => (ranks - 1) * (Latency + bytes / BytesPerSecond);
}
