using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Trainers.Log;
using Tensorboard;

namespace Microsoft.ML.ResNet.Trainers.Tests.Log;

public sealed class TrainingLogTests : IDisposable
{
    private const int StepsPerEpoch = 10;
    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _warnings = [];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Events_of_training_and_validation_are_what_was_reported()
    {
        using (var log = Open())
        {
            log.Start(new TrainingHistory());
            log.Report(Running(epoch: 1, step: 4));
            log.Report(Finished(epoch: 1));
            log.Report(Finished(epoch: 2));
        }

        var training = EventRecords.ReadFolder(_folder["train"]);
        Assert.Equal("brain.Event:2", training[0].FileVersion);
        Assert.All(training, each => Assert.Equal(1.8e9, each.WallTime));
        Assert.Equal([(4, 3.5f)], training.Scalars("step/loss"));
        Assert.Equal([(4, 0.25f)], training.Scalars("step/accuracy"));
        Assert.Equal([(4, 0.125f)], training.Scalars("step/learning_rate"));
        Assert.Equal([(4, 900f)], training.Scalars("step/images_per_second"));
        Assert.Equal([(10, 1f), (20, 0.5f)], training.Scalars("epoch/loss"));
        Assert.Equal([(10, 0.5f), (20, 0.75f)], training.Scalars("epoch/accuracy"));
        Assert.Equal([(10, 0.1f), (20, 0.1f)], training.Scalars("epoch/learning_rate"));
        Assert.Equal([(10, 1000f), (20, 1000f)], training.Scalars("epoch/images_per_second"));

        var validation = EventRecords.ReadFolder(_folder["validation"]);
        Assert.Equal([(10, 2f), (20, 1f)], validation.Scalars("epoch/loss"));
        Assert.Equal([(10, 0.25f), (20, 0.375f)], validation.Scalars("epoch/accuracy"));
    }

    [Fact]
    public void The_history_is_on_disk_after_every_epoch()
    {
        using var log = Open();
        log.Start(new TrainingHistory { Seed = 3, TrainingImages = 100 });
        log.Report(Finished(epoch: 1));

        // The log is still open, as it is when the process is killed.
        var history = TrainingHistory.LoadJson(_folder["history.json"]);
        Assert.Equal((3, 100), (history.Seed, history.TrainingImages));
        Assert.Equal([Result(1)], history.Epochs.AsEnumerable());
        Assert.Equal(2, File.ReadAllLines(_folder["history.csv"]).Length);
        Assert.Equal(3, EventRecords.ReadFolder(_folder["train"]).Count);
    }

    [Fact]
    public void A_resumed_run_goes_on_where_its_history_ends()
    {
        using (var killed = Open())
        {
            killed.Start(new TrainingHistory());
            killed.Report(Finished(epoch: 1));
            killed.Report(Finished(epoch: 2));
            killed.Report(Running(epoch: 3, step: 23));
        }

        using (var resumed = Open(secondsLater: 60))
        {
            resumed.Start(new TrainingHistory { Epochs = [Result(1)] });            // its checkpoint was of epoch 1
            resumed.Report(Finished(epoch: 2));
            resumed.Report(Finished(epoch: 3));
        }

        Assert.Equal([1, 2, 3], TrainingHistory.LoadJson(_folder["history.json"]).Epochs.Select(epoch => epoch.Epoch));
        Assert.Equal(["1", "2", "3"], File.ReadLines(_folder["history.csv"]).Skip(1).Select(line => line.Split(',')[0]));
        Assert.Equal(
            [(10, 1f), (20, 0.5f), (30, 1f / 3)], AsTensorBoardShows(EventRecords.ReadFolder(_folder["train"])).Scalars("epoch/loss"));
        Assert.Empty(AsTensorBoardShows(EventRecords.ReadFolder(_folder["train"])).Scalars("step/loss"));
        Assert.Equal(
            [(10, 2f), (20, 1f), (30, 2f / 3)], AsTensorBoardShows(EventRecords.ReadFolder(_folder["validation"])).Scalars("epoch/loss"));
    }

    [Fact]
    public void A_new_run_replaces_what_an_earlier_one_logged()
    {
        using (var earlier = Open())
        {
            earlier.Start(new TrainingHistory { Seed = 1 });
            earlier.Report(Finished(epoch: 1));
            earlier.Report(Finished(epoch: 2));
        }

        using (var later = Open(secondsLater: 60))
        {
            later.Start(new TrainingHistory { Seed = 2 });
            later.Report(Finished(epoch: 1));
        }

        var history = TrainingHistory.LoadJson(_folder["history.json"]);
        Assert.Equal((2, 1), (history.Seed, history.Epochs.Length));
        Assert.Equal([(10, 1f)], AsTensorBoardShows(EventRecords.ReadFolder(_folder["train"])).Scalars("epoch/loss"));
    }

    [Fact]
    public void Without_validation_its_curves_are_empty()
    {
        using (var log = Open())
        {
            log.Start(new TrainingHistory());
            log.Report(Finished(epoch: 1) with { Finished = Result(1) with { ValidationLoss = null, ValidationAccuracy = null } });
        }

        Assert.Empty(EventRecords.ReadFolder(_folder["validation"]).Scalars("epoch/loss"));
        Assert.Null(TrainingHistory.LoadJson(_folder["history.json"]).Epochs.Single().ValidationLoss);
    }

    [Fact]
    public void What_is_known_in_the_end_is_written()
    {
        using var log = Open();
        log.Start(new TrainingHistory());
        log.Report(Finished(epoch: 1));
        log.Finish(new TrainingHistory { Epochs = [Result(1)], StoppedEarly = "Somebody asked to." });

        Assert.Equal("Somebody asked to.", TrainingHistory.LoadJson(_folder["history.json"]).StoppedEarly);
    }

    [Fact]
    public void A_log_that_cannot_be_written_any_more_warns_once_and_lets_training_go_on()
    {
        using var log = Open();
        log.Start(new TrainingHistory());
        File.Delete(_folder["history.json"]);
        Directory.CreateDirectory(_folder["history.json"]);            // nothing can be moved there
        log.Report(Finished(epoch: 1));
        log.Report(Finished(epoch: 2));

        Assert.Contains(_folder.Path, Assert.Single(_warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_that_cannot_be_made_fails_before_training()
    {
        File.WriteAllText(_folder["file"], "");

        Assert.ThrowsAny<IOException>(() => new TrainingLog(_folder["file"], TimeProvider.System, _warnings.Add));
    }

    [Fact]
    public void The_checksum_that_these_tests_read_with_is_the_published_one() =>
        Assert.Equal(0x8A9136AAu, EventRecords.Crc32C(new byte[32]));      // RFC 3720, appendix B.4

    private static EpochResult Result(int epoch) =>
        new(epoch, 0.1, 1.0 / epoch, 1 - 0.5 / epoch, 2.0 / epoch, 0.5 - 0.25 / epoch, TimeSpan.FromSeconds(epoch), 1000)
        {
            Step = epoch * StepsPerEpoch,
        };

    private static TrainingProgress Running(int epoch, long step) =>
        new(epoch, 3, step, 3 * StepsPerEpoch, 3.5, 0.25, null, 0.125, 900, TimeSpan.Zero);

    private static TrainingProgress Finished(int epoch) => Running(epoch, epoch * StepsPerEpoch) with { Finished = Result(epoch) };

    // Its rule for a run that was restarted: events of the step of a session's start, and
    // later ones, are dropped from what was read before.
    private static List<Event> AsTensorBoardShows(IEnumerable<Event> events)
    {
        var shown = new List<Event>();
        foreach (var each in events)
        {
            if (each.SessionLog?.Status == SessionLog.Types.SessionStatus.Start)
            {
                shown.RemoveAll(earlier => earlier.Step >= each.Step);
            }

            shown.Add(each);
        }

        return shown;
    }

    private TrainingLog Open(int secondsLater = 0) =>
        new(_folder.Path, new FixedTime(DateTimeOffset.FromUnixTimeSeconds(1_800_000_000 + secondsLater)), _warnings.Add);

    private sealed class FixedTime(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
