namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>
/// A generator of random numbers that can be given a new seed: one object serves all images, where <see cref="Random"/> would need one
/// for each.
/// </summary>
/// <remarks>
/// SplitMix64 (Steele et al., 2014). A number of a range is scaled from 64 bits, so that none is likelier than another by more than 2⁻³².
/// </remarks>
internal sealed class ReseedableRandom : Random
{
    private ulong _state;

    /// <summary>Starts again from a seed.</summary>
    /// <param name="seed">The seed: all numbers from here on follow from it.</param>
    /// <returns>This object.</returns>
    public ReseedableRandom Restart(int seed)
    {
        _state = (uint)seed;
        return this;
    }

    public override int Next() => Next(int.MaxValue);

    public override int Next(int maxValue)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxValue);
        return (int)NextBelow((ulong)maxValue);
    }

    public override int Next(int minValue, int maxValue)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minValue, maxValue);
        return (int)(minValue + (long)NextBelow((ulong)((long)maxValue - minValue)));
    }

    public override long NextInt64() => NextInt64(long.MaxValue);

    public override long NextInt64(long maxValue) => NextInt64(0, maxValue);

    public override long NextInt64(long minValue, long maxValue)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minValue, maxValue);
        return unchecked(minValue + (long)NextBelow((ulong)maxValue - (ulong)minValue));
    }

    // The highest bits, as many as the type holds exactly.
    public override double NextDouble() => (NextBits() >> 11) * (1.0 / (1UL << 53));

    public override float NextSingle() => (NextBits() >> 40) * (1f / (1 << 24));

    public override void NextBytes(byte[] buffer) => NextBytes(buffer.AsSpan());

    public override void NextBytes(Span<byte> buffer)
    {
        foreach (ref var value in buffer)
        {
            value = (byte)(NextBits() >> 56);
        }
    }

    protected override double Sample() => NextDouble();

    private ulong NextBelow(ulong end) => Math.BigMul(NextBits(), end, out _);

    private ulong NextBits() => SeedMixer.Next(ref _state);
}
