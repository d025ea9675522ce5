using Microsoft.ML.ResNet.Trainers.Reporting.Measures;

namespace Microsoft.ML.ResNet.Trainers.Tests.Reporting.Measures;

public sealed class ProportionTests
{
    [Theory]
    [InlineData(8, 10, 0.490162, 0.943318)]
    [InlineData(0, 10, 0, 0.277533)]
    [InlineData(10, 10, 0.722467, 1)]
    [InlineData(9_000, 10_000, 0.893963, 0.905731)]
    public void The_interval_is_Wilsons(long successes, long trials, double low, double high)
    {
        var interval = new Proportion(successes, trials).Interval;

        Assert.Equal(low, interval.Low, 1e-5);
        Assert.Equal(high, interval.High, 1e-5);
    }
}
