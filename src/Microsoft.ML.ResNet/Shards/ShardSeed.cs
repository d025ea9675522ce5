namespace Microsoft.ML.ResNet.Shards;

/// <summary>The random numbers of one use: each epoch, and each group of samples in it, has others.</summary>
internal static class ShardSeed
{
    /// <summary>The use for the order of the shards. Groups are counted from 1.</summary>
    public const int Shards = 0;

    /// <summary>Makes the random numbers, by the finalizer of SplitMix64 (Steele et al., 2014).</summary>
    public static Random Of(int seed, int epoch, int use)
    {
        var state = Finalize(Finalize(Finalize((uint)seed) + (uint)epoch) + (uint)use);
        return new Random((int)(state >> 33));
    }

    private static ulong Finalize(ulong z)
    {
        z += 0x9E3779B97F4A7C15; // 2⁶⁴ over the golden ratio
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
