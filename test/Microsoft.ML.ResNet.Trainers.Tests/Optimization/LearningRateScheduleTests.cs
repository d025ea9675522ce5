using Microsoft.ML.ResNet.Trainers.Optimization;

namespace Microsoft.ML.ResNet.Trainers.Tests.Optimization;

public sealed class LearningRateScheduleTests
{
    // The paper's: 0.1, divided by 10 at 32k and 48k of 64k steps.
    private static readonly LearningRateSchedule Paper = new(0.1, TotalSteps: 64_000, WarmupSteps: 0, [0.5, 0.75], DropFactor: 0.1);

    [Theory]
    [InlineData(0, 0.1)]
    [InlineData(31_999, 0.1)]
    [InlineData(32_000, 0.01)]
    [InlineData(47_999, 0.01)]
    [InlineData(48_000, 0.001)]
    [InlineData(63_999, 0.001)]
    public void DropsWhereThePaperSays(long step, double rate) => Assert.Equal(rate, Paper.At(step), tolerance: 1e-12);

    [Fact]
    public void WarmsUpInEqualSteps()
    {
        var schedule = Paper with { WarmupSteps = 4 };

        Assert.Equal([0.02, 0.04, 0.06, 0.08, 0.1], Enumerable.Range(0, 5).Select(step => Math.Round(schedule.At(step), 12)));
    }

    [Fact]
    public void FallsAlongHalfACosine()
    {
        var schedule = Paper with { TotalSteps = 8, WarmupSteps = 4, Decay = LearningRateDecay.Cosine };

        Assert.Equal(0.08, schedule.At(3), tolerance: 1e-12);
        Assert.Equal(0.1, schedule.At(4), tolerance: 1e-12);
        Assert.Equal(0.05, schedule.At(6), tolerance: 1e-12);
        Assert.Equal(0, schedule.At(8), tolerance: 1e-12);
    }
}
