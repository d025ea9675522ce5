namespace Microsoft.ML.ResNet.Trainers.Augmentation;

/// <summary>Draws from distributions that <see cref="Random"/> does not have.</summary>
internal static class RandomSampling
{
    /// <summary>Draws from the standard normal distribution, by Marsaglia's polar method.</summary>
    public static double NextGaussian(this Random random)
    {
        while (true)
        {
            var (x, y) = (2 * random.NextDouble() - 1, 2 * random.NextDouble() - 1);
            var square = x * x + y * y;
            if (square is > 0 and < 1)
            {
                return x * Math.Sqrt(-2 * Math.Log(square) / square);
            }
        }
    }

    /// <summary>Draws from the distribution Beta(α, β), as X / (X + Y) with X of Gamma(α) and Y of Gamma(β).</summary>
    /// <param name="random">The source of random numbers.</param>
    /// <param name="alpha">Greater than 0.</param>
    /// <param name="beta">Greater than 0.</param>
    public static double NextBeta(this Random random, double alpha, double beta)
    {
        var x = random.NextLogGamma(alpha);
        var y = random.NextLogGamma(beta);
        return 1 / (1 + Math.Exp(y - x));
    }

    // The logarithm of a value of Gamma(shape): for a small shape the value itself is often too small for a double, and 0 / (0 + 0) no
    // number. "A Simple Method for Generating Gamma Variables" (Marsaglia and Tsang, 2000); below a shape of 1 its section 6: Gamma(a +
    // 1)·U^(1/a).
    private static double NextLogGamma(this Random random, double shape)
    {
        if (shape < 1)
        {
            return random.NextLogGamma(shape + 1) + Math.Log(1 - random.NextDouble()) / shape;
        }

        var d = shape - 1.0 / 3;
        var c = 1 / Math.Sqrt(9 * d);
        while (true)
        {
            var x = random.NextGaussian();
            var v = Math.Pow(1 + c * x, 3);
            if (v > 0 && Math.Log(1 - random.NextDouble()) < x * x / 2 + d - d * v + d * Math.Log(v))
            {
                return Math.Log(d * v);
            }
        }
    }
}
