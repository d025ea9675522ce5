using Microsoft.ML.ResNet.Trainers.Augmentation;

namespace Microsoft.ML.ResNet.Trainers.Tests.Augmentation;

public sealed class RandomSamplingTests
{
    private const int Count = 50_000;

    [Fact]
    public void GaussianHasTheMomentsOfTheNormalDistribution()
    {
        var random = new Random(1);
        double[] values = [.. Enumerable.Range(0, Count).Select(_ => random.NextGaussian())];

        Assert.Equal(0, values.Average(), 0.02);
        Assert.Equal(1, values.Average(value => Math.Pow(value, 2)), 0.03);
        Assert.Equal(0, values.Average(value => Math.Pow(value, 3)), 0.06);
        Assert.Equal(3, values.Average(value => Math.Pow(value, 4)), 0.2);
        Assert.Equal(0.6827, values.Count(value => Math.Abs(value) < 1) / (double)Count, 0.01);
    }

    [Theory]
    [InlineData(0.2, 0.2)]
    [InlineData(1, 1)]
    [InlineData(0.5, 3)]
    [InlineData(2, 5)]
    [InlineData(40, 0.7)]
    [InlineData(0.001, 0.001)]
    public void BetaHasTheMomentsOfTheBetaDistribution(double alpha, double beta)
    {
        var random = new Random(1);
        double[] values = [.. Enumerable.Range(0, Count).Select(_ => random.NextBeta(alpha, beta))];

        Assert.All(values, value => Assert.InRange(value, 0, 1)); // and a number, however small the shapes
        var moment = 1.0;
        for (var order = 1; order <= 4; order++)
        {
            moment *= (alpha + order - 1) / (alpha + beta + order - 1);
            Assert.Equal(moment, values.Average(value => Math.Pow(value, order)), 0.01);
        }
    }

    // Beta(1/2, 1/2) is the arcsine distribution: P(x < s) = 2/π·asin √s.
    [Theory]
    [InlineData(0.01)]
    [InlineData(0.25)]
    [InlineData(0.5)]
    [InlineData(0.9)]
    public void BetaHasTheRightShape(double limit)
    {
        var random = new Random(2);
        var below = Enumerable.Range(0, Count).Count(_ => random.NextBeta(0.5, 0.5) < limit);
        Assert.Equal(2 / Math.PI * Math.Asin(Math.Sqrt(limit)), below / (double)Count, 0.01);
    }
}
