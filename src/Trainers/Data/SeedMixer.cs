namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>Makes independent seeds out of one.</summary>
internal static class SeedMixer
{
    private const ulong Step = 0x9E3779B97F4A7C15; // 2⁶⁴ over the golden ratio

    /// <summary>
    /// Makes the seed for one use, which the numbers identify, by the finalizer of SplitMix64 (Steele et al., 2014).
    /// </summary>
    public static int Mix(int seed, params ReadOnlySpan<int> use)
    {
        var state = (ulong)(uint)seed;
        foreach (var number in use)
        {
            state = Finalize(state + Step * ((uint)number + 1UL));
        }

        return (int)(Finalize(state) >> 33);
    }

    /// <summary>Draws the next number of SplitMix64.</summary>
    public static ulong Next(ref ulong state) => Finalize(state += Step);

    private static ulong Finalize(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}

/// <summary>What a seed is mixed with, so that each use draws other numbers. Changing one changes every trained network.</summary>
internal static class SeedUse
{
    public const int Weights = 1;
    public const int Batches = 2;
    public const int Split = 3;
    public const int StochasticDepth = 4;
    public const int PreciseBatchNorm = 5;
    public const int Features = 6;
}
