using System.Globalization;

namespace Microsoft.ML.ResNet.Trainers.Tests.Log;

public sealed class ConsoleProgressTests
{
    private static readonly TrainingProgress Progress =
        new(3, 30, 120, 1_200, 0.5123, 0.8119, 0.79, 0.1, 812.4, new TimeSpan(0, 4, 10));

    private readonly StringWriter _output = new() { NewLine = "\n" };
    private readonly ManualClock _clock = new();

    [Fact]
    public void Progress_reads_as_a_sentence() => Assert.Equal(
        "Epoch 3 of 30, step 120 of 1,200: loss 0.512, accuracy 81.2 %, validation 79.0 %, 812 images/s, 4 min 10 s left",
        Progress.ToString());

    [Fact]
    public void Progress_without_validation_or_time_left_says_neither() => Assert.Equal(
        "Epoch 30 of 30, step 1,200 of 1,200: loss 0.512, accuracy 81.2 %, 812 images/s",
        (Progress with { Epoch = 30, Step = 1_200, ValidationAccuracy = null, TimeLeft = TimeSpan.Zero }).ToString());

    [Fact]
    public void Progress_is_the_same_in_every_culture()
    {
        var (text, culture) = (Progress.ToString(), CultureInfo.CurrentCulture);
        try
        {
            var other = (CultureInfo)CultureInfo.InvariantCulture.Clone();
            (other.NumberFormat.NumberDecimalSeparator, other.NumberFormat.NumberGroupSeparator) = (",", ".");
            CultureInfo.CurrentCulture = other;
            Assert.Equal(text, Progress.ToString());
        }
        finally
        {
            CultureInfo.CurrentCulture = culture;
        }
    }

    [Fact]
    public void An_unknown_loss_is_said_and_does_not_fail() =>
        Assert.Contains("loss NaN", (Progress with { Loss = double.NaN }).ToString(), StringComparison.Ordinal);

    [Fact]
    public void On_a_terminal_one_line_is_rewritten_and_stays_at_the_end_of_an_epoch()
    {
        var console = new ConsoleProgress(_output, () => 500, _clock);
        console.Report(Progress with { Step = 100 });
        console.Report(Progress with { Step = 99 });
        console.Report(Finished(Progress));

        var text = _output.ToString();
        Assert.Equal(4, text.Split('\r').Length);
        Assert.Equal(1, text.Count(character => character == '\n'));
        Assert.EndsWith("left\n", text, StringComparison.Ordinal);

        // The second text is shorter by one: a space hides what would be left of the first.
        Assert.EndsWith("left ", text.Split('\r')[2], StringComparison.Ordinal);
    }

    [Fact]
    public void A_line_never_reaches_the_last_column()
    {
        var console = new ConsoleProgress(_output, () => 40, _clock);
        console.Report(Progress);

        Assert.Equal("\r" + Progress.ToString()[..39], _output.ToString());
    }

    [Fact]
    public void Elsewhere_there_is_a_line_at_once_and_every_30_seconds_until_the_first_epoch_ends_and_then_one_per_epoch()
    {
        var console = new ConsoleProgress(_output, width: null, _clock);
        ReportAt(0, Progress with { Epoch = 1, Step = 1 });
        ReportAt(29, Progress with { Epoch = 1, Step = 2 });
        ReportAt(30, Progress with { Epoch = 1, Step = 3 });
        ReportAt(31, Finished(Progress with { Epoch = 1, Step = 4 }));
        ReportAt(3_600, Progress with { Epoch = 2, Step = 5 });
        ReportAt(3_601, Finished(Progress with { Epoch = 2, Step = 6 }));

        Assert.Equal(
            ["Epoch 1 of 30, step 1 of", "Epoch 1 of 30, step 3 of", "Epoch 1 of 30, step 4 of", "Epoch 2 of 30, step 6 of"],
            _output.ToString().TrimEnd('\n').Split('\n').Select(line => line[..24]));
        Assert.DoesNotContain('\r', _output.ToString());

        void ReportAt(int seconds, TrainingProgress progress)
        {
            _clock.Seconds = seconds;
            console.Report(progress);
        }
    }

    [Fact]
    public void A_reader_who_is_gone_does_not_stop_training()
    {
        _output.Dispose();
        var closed = new StreamWriter(new MemoryStream()) { AutoFlush = true };
        closed.Dispose();

        var console = new ConsoleProgress(closed);
        console.Report(Finished(Progress));
        console.Report(Finished(Progress));
    }

    private static TrainingProgress Finished(TrainingProgress progress) => progress with
    {
        Finished = new EpochResult(progress.Epoch, 0.1, progress.Loss, progress.TrainingAccuracy, null, null, TimeSpan.FromSeconds(1), 812),
    };

    private sealed class ManualClock : TimeProvider
    {
        public long Seconds { get; set; }

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => Seconds;
    }
}
