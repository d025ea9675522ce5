using Microsoft.ML.ResNet.TestSupport;
using Studio.Data;
using Studio.Training;

namespace Studio.Tests;

public sealed class RunStoreTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    // Killed between an epoch's end and its checkpoint, a run does the epoch again; it may tell of nothing but the end.
    [Fact]
    public void WhatWasDoneAgainIsInTheCurvesOnce()
    {
        Directory.CreateDirectory(_folder["p"]);
        using var project = new ImageProject(_folder["p"]);
        var store = new RunStore(project);
        var id = store.NewId();
        (int Epoch, long Step, bool EndsEpoch)[] told =
        [
            (1, 4, false), (1, 8, false), (1, 8, true), (2, 12, false), (2, 16, true), (2, 16, true), (3, 20, false), (3, 20, false),
            (3, 24, true),
        ];
        foreach (var (epoch, step, endsEpoch) in told)
        {
            store.Append(id, new Point(epoch, 9, step, 72, 1, 0.5, null, null, 0.1, 100, 1, endsEpoch));
        }

        (int, long, bool)[] once =
            [(1, 4, false), (1, 8, false), (1, 8, true), (2, 12, false), (2, 16, true), (3, 20, false), (3, 24, true)];
        Assert.Equal(once, store.Points(id).Select(point => (point.Epoch, point.Step, point.EndsEpoch)));
    }
}
