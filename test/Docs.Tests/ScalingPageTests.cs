using Benchmarks.Scaling;

namespace Docs;

public sealed class ScalingPageTests
{
    private static readonly ExchangedNetwork Tiny = new("tiny", [new(MultiplyAdds: 1, Gradients: 1_000_000)], Channels: [64, 128]);
    private static readonly NetworkLink Gigabit = new(1, Latency: 1e-4);

    private static StepModel Step => new() { Network = Tiny, Link = Gigabit, Ranks = 2, Compute = 0.1 };

    [Fact]
    public void OneProcessOnlyComputes() => Assert.Equal(new StepTime(0.1, 0, 0), (Step with { Ranks = 1 }).Predict());

    [Fact]
    public void TheTimesOfTwoRanksAreThoseOfTheirMessages()
    {
        var step = Step.Predict();

        // Two sums of the forward pass, of 2 × 64 and 2 × 128 doubles: one message each.
        Assert.Equal(2 * 1e-4 + (1024 + 2048) / 125e6, step.Statistics, 9);

        // Half of 4 MB goes there, and half comes back; two messages of 8 bytes tell the loss and what is due.
        Assert.Equal(2 * (1e-4 + 2e6 / 125e6) + 2 * (1e-4 + 8 / 125e6), step.Gradients, 9);
        Assert.Equal(0.1 / (0.1 + step.Statistics + step.Gradients), step.Efficiency, 9);
    }

    [Fact]
    public void SumsOfTheBackwardPassAreHiddenAsLongAsThereAreFiltersToCompute()
    {
        // Of each 0.2 ms a third, over two normalizations: 33 µs of either sum.
        const double ofForward = 2 * 1e-4 + (1024 + 2048) / 125e6;

        Assert.Equal(2 * ofForward - 2e-4 / 3, (Step with { Compute = 2e-4 }).Predict().Statistics, 9);
    }

    [Fact]
    public void GatheredStatisticsGrowWithTheRanksAndBlocksOfGradientsDoNot()
    {
        var step = Step with { Link = Gigabit with { Latency = 0 }, Compute = 1 };
        var (few, many) = ((step with { Ranks = 64 }).Predict(), (step with { Ranks = 1024 }).Predict());

        Assert.Equal(1023.0 / 63, many.Statistics / few.Statistics, 6);
        Assert.InRange(many.Gradients / few.Gradients, 1, 1.05);
    }

    [Fact]
    public void EachChangeTakesWhatItSays()
    {
        var before = Step.Predict();

        Assert.Equal(0, (Step with { JoinsStatistics = false }).Predict().Statistics);
        Assert.Equal(2 * 1e6 / 125e6, before.Gradients - (Step with { BytesPerGradient = 2 }).Predict().Gradients, 9);
        Assert.Equal(0.004, (Step with { SecondsPerByte = 1e-9 }).Predict().Gradients - before.Gradients, 9);
    }

    /// <summary>The backward pass begins at the last layer, whose gradients travel while the first one is computed.</summary>
    [Fact]
    public void GradientsTravelBesideTheBackwardPass()
    {
        var network = Tiny with { Layers = [new(MultiplyAdds: 3, Gradients: 1000), new(MultiplyAdds: 1, Gradients: 1_000_000)] };
        var step = Step with { Network = network, BucketBytes = 1, Compute = 0.3 };
        var (ofLast, ofFirst, after) = (2 * (1e-4 + 2e6 / 125e6), 1e-4 + 4000 / 125e6, 2 * (1e-4 + 8 / 125e6));

        // A backward pass of 200 ms has 150 ms left when the last layer's are ready, and one of 20 ms has 15.
        Assert.Equal(ofFirst + after, step.Predict().Gradients, 9);
        Assert.Equal(ofLast - 0.015 + ofFirst + after, (step with { Compute = 0.03 }).Predict().Gradients, 9);

        // In one bucket all of them wait for the first layer.
        Assert.Equal(
            2 * (1e-4 + 2.002e6 / 125e6) + after, (step with { BucketBytes = 1 << 30 }).Predict().Gradients, 9);

        // What copies them takes time from computing where it has no core of its own.
        Assert.Equal(0.004, (step with { SecondsTakenPerByte = 1e-9 }).Predict().Gradients - step.Predict().Gradients, 9);
    }

    [Fact]
    public void WhatRanksExchangeIsReadFromThePlan()
    {
        var network = ExchangedNetwork.Of("resnet50", 224, 1000);

        Assert.Equal((53, 26_560), (network.Channels.Length, network.Channels.Sum()));
        Assert.Equal(25_557_032 - 2 * 26_560, network.Gradients);
    }

    [Fact]
    public void NinetyEpochsTakeTheStepsOfTheirBatches()
    {
        var one = ScalingFigures.Training("resnet50", gigabits: 10, nodes: 1) with { SecondsPerByte = 0 };

        Assert.Equal(256, one.Batch);
        Assert.Equal(Math.Ceiling(1_281_167 / 256.0) * 90 * 256 / one.Rate / 3600, one.Hours, 6);
        Assert.Equal(8192, (one with { Nodes = 1024 }).Batch);
        Assert.Equal(1024, (one with { Link = new NetworkLink(1e9, 0) }).NodesBelowLimit(1024));
        Assert.Equal(1, (one with { Link = new NetworkLink(1e-3, 1) }).NodesBelowLimit(1024));
    }

    public static TheoryData<int> MeasuredSteps => [.. Enumerable.Range(0, ScalingFigures.Steps.Length)];

    /// <summary>The model is no better than this, and the page says so: four ranks share two cores.</summary>
    [Theory]
    [MemberData(nameof(MeasuredSteps))]
    public void TheModelPredictsWhatWasMeasured(int index)
    {
        var step = ScalingFigures.Steps[index];

        var most = step.Wire.Ranks == 2 ? 1.2 : 1.7;
        Assert.InRange(step.Predicted / step.Together, 1 / most, most);
    }

    [Fact]
    public void SumsOfTwoRanksTakeWhatTheModelPredicts() =>
        Assert.All(
            ScalingFigures.Wires.Where(wire => wire.Ranks == 2),
            wire => Assert.InRange(wire.PredictedSum / wire.Sum, 0.88, 1.12)); // as the page says

    [Fact]
    public void ThePageHasTheTablesOfTheModel()
    {
        var page = Page.Named("docs/scaling.md").Text;

        Assert.Equal(ScalingPage.WithTables(page), page);
    }
}
