using Microsoft.ML.ResNet.Trainers.Reporting.Charts;

namespace Microsoft.ML.ResNet.Trainers.Tests.Reporting.Charts;

public sealed class ValueScaleTests
{
    [Theory]
    [InlineData(2.31, 2.5, 0.5)]
    [InlineData(0.1, 0.1, 0.02)]
    [InlineData(7e-8, 8e-8, 2e-8)]
    [InlineData(12_345, 15_000, 5_000)]
    public void The_highest_tick_is_no_lower_than_the_largest_value(double most, double top, double step)
    {
        var scale = ValueScale.FromZero([most / 2, most]);

        Assert.Equal(0, scale.Bottom);
        Assert.Equal(top, scale.Top, 1e-9 * top);
        Assert.Equal(step, scale.Step, 1e-9 * step);
        Assert.True(scale.End > scale.Top);
    }

    [Fact]
    public void Values_away_from_zero_are_not_squeezed_into_the_top()
    {
        var scale = ValueScale.Around([81, 94.5]);

        Assert.Equal((80, 95), (Math.Round(scale.Bottom, 6), Math.Round(scale.Top, 6)));
    }

    [Fact]
    public void What_is_not_finite_does_not_count()
    {
        Assert.Equal(ValueScale.FromZero([1, 2]), ValueScale.FromZero([1, double.NaN, 2, double.PositiveInfinity]));
        Assert.Equal((0.0, 1.0), (ValueScale.FromZero([]).Bottom, ValueScale.FromZero([]).Top));
        Assert.Equal(0, ValueScale.Around([50]).Bottom);
    }
}
