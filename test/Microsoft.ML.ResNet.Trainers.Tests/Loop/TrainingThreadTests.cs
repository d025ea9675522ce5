using Microsoft.ML.ResNet.Trainers.Loop;

namespace Microsoft.ML.ResNet.Trainers.Tests.Loop;

public sealed class TrainingThreadTests
{
    public TrainingThreadTests() => TorchRuntime.Initialize();

    [Fact]
    public void OneAfterAnotherRunsOnOneThreadWhichIsNotTheCallers()
    {
        var first = TrainingThread.Run(() => Environment.CurrentManagedThreadId);

        // Tests beside this one may take it meanwhile.
        Assert.Contains(first, Enumerable.Range(0, 20).Select(_ => TrainingThread.Run(() => Environment.CurrentManagedThreadId)));
        Assert.NotEqual(Environment.CurrentManagedThreadId, first);
    }

    [Fact]
    public void TwoAtOnceAndOneInsideAnotherRunOnTwo()
    {
        var (outer, inner) = TrainingThread.Run(
            () => (Environment.CurrentManagedThreadId, TrainingThread.Run(() => Environment.CurrentManagedThreadId)));

        Assert.NotEqual(outer, inner);
    }

    [Fact]
    public void WhatIsThrownReachesTheCallerAsItWas()
    {
        var thrown = new OperationCanceledException("stopped");

        Assert.Same(thrown, Assert.Throws<OperationCanceledException>(() => TrainingThread.Run<int>(() => throw thrown)));
        Assert.Equal(3, TrainingThread.Run(() => 3));
    }

    [Fact]
    public void ItSeesWhatTheCallerSees()
    {
        var context = new AsyncLocal<string> { Value = "first" };
        Assert.Equal("first", TrainingThread.Run(() => context.Value));

        context.Value = "second";
        Assert.Equal("second", TrainingThread.Run(() => context.Value));
    }

    [Fact]
    public void AnIdleThreadHoldsOnToNothing()
    {
        var training = Train();

        for (var i = 0; i < 100 && training.IsAlive; i++)
        {
            GC.Collect();
            Thread.Sleep(10);
        }

        Assert.False(training.IsAlive);

        static WeakReference Train()
        {
            var weights = new byte[1000];
            Assert.Same(weights, TrainingThread.Run(() => weights));
            return new WeakReference(weights);
        }
    }
}
