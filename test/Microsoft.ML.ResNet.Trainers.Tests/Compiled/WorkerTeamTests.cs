using Microsoft.ML.ResNet.Trainers.Compiled;
using Microsoft.ML.ResNet.Trainers.Distributed;
using Microsoft.ML.ResNet.Trainers.Tests.Distributed;

namespace Microsoft.ML.ResNet.Trainers.Tests.Compiled;

/// <summary>Workers wait for each other, and for nothing else.</summary>
public sealed class WorkerTeamTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public WorkerTeamTests() => TorchRuntime.Initialize();

    [Fact]
    public void NobodyGoesOnBeforeAllHaveArrived()
    {
        const int workers = 3, meetings = 2000;
        using var team = new WorkerTeam(workers, torchThreads: 1);
        var here = new int[meetings];
        var early = 0;

        team.Run(_ =>
        {
            for (var i = 0; i < meetings; i++)
            {
                Interlocked.Increment(ref here[i]);
                var meeting = team.Arrive();
                if (i % 3 == 0)
                {
                    Thread.SpinWait(100); // something else is done before waiting
                }

                team.Await(meeting);
                Interlocked.Add(ref early, Volatile.Read(ref here[i]) == workers ? 0 : 1);
            }
        });

        Assert.Equal(0, early);
    }

    [Fact]
    public void WhoHasArrivedMayWorkWhileOthersAreOnTheirWay()
    {
        using var team = new WorkerTeam(2, torchThreads: 1);
        using var worked = new ManualResetEventSlim();
        var cameAfterwards = false;

        team.Run(worker =>
        {
            if (worker == 1)
            {
                cameAfterwards = worked.Wait(Patience);
            }

            var meeting = team.Arrive();
            worked.Set();
            team.Await(meeting);
        });

        Assert.True(cameAfterwards);
    }

    [Fact]
    public void WhoHasArrivedMayWorkWhileOtherProcessesAreOnTheirWay()
    {
        using var ranks = new ThreadRanks(2);
        using var worked = new ManualResetEventSlim();
        var cameAfterwards = false;

        var totals = ranks.Run(rank =>
        {
            using var team = new WorkerTeam(2, torchThreads: 1, rank);
            var sum = new Sum(rank);
            team.Run(_ =>
            {
                if (rank.Rank == 1)
                {
                    cameAfterwards = worked.Wait(Patience);
                }

                var meeting = team.Arrive(sum);
                if (rank.Rank == 0)
                {
                    worked.Set();
                }

                team.Await(meeting);
            });
            return sum.Total;
        });

        Assert.True(cameAfterwards);
        Assert.Equal([3.0, 3.0], totals);
    }

    [Fact]
    public void AFailureEndsTheWaitingOfTheOthers()
    {
        using var team = new WorkerTeam(3, torchThreads: 1);
        var released = 0;

        var failure = Assert.Throws<InvalidDataException>(() => team.Run(worker =>
        {
            if (worker == 2)
            {
                throw new InvalidDataException("It failed.");
            }

            try
            {
                team.Await(team.Arrive());
            }
            catch (OperationCanceledException)
            {
                Interlocked.Increment(ref released);
                throw;
            }
        }));

        Assert.Equal("It failed.", failure.Message);
        Assert.Equal(2, released);
        team.Run(_ => team.Meet()); // and the team works on
    }

    // Of 1 and 2.
    private sealed class Sum(ICollective rank) : IExchange
    {
        private readonly double[] _total = new double[1];

        public double Total => _total[0];

        public void Begin() => rank.BeginSum([rank.Rank + 1]);

        public bool TryEnd() => rank.TryEndSum(_total);
    }
}
