using Microsoft.ML.ResNet.Trainers.Calibration;

namespace Microsoft.ML.ResNet.Trainers.Tests.Calibration;

public sealed class ReliabilityTests
{
    [Fact]
    public void The_error_is_the_gap_of_each_bin_weighted_by_its_predictions()
    {
        var reliability = new Reliability(bins: 10);
        foreach (var correct in new[] { true, true, true, false })
        {
            reliability.Add(0.95, correct);             // 0.20 too sure, 4 of 5 predictions
        }

        reliability.Add(0.6, correct: true);            // 0.40 too shy, 1 of 5

        Assert.Equal(0.2 * 4 / 5 + 0.4 * 1 / 5, reliability.ExpectedCalibrationError, 1e-12);
        Assert.Equal(
            new ReliabilityBin(0.9, 1, 4, 0.95, 0.75),
            reliability.Bins[9] with { Confidence = Math.Round(reliability.Bins[9].Confidence, 12) });
    }

    [Fact]
    public void A_bin_ends_with_its_upper_border()
    {
        var reliability = new Reliability(bins: 4);
        reliability.Add(0.5, correct: true);
        reliability.Add(1, correct: true);
        reliability.Add(0, correct: false);

        Assert.Equal([1, 1, 0, 1], reliability.Bins.Select(bin => bin.Count));
    }

    [Fact]
    public void Where_labels_follow_the_probabilities_the_error_is_small()
    {
        var (logits, labels) = TemperatureScalingTests.Draw(rows: 20_000, temperature: 1);

        Assert.InRange(ErrorAt(temperature: 1), 0, 0.01);
        Assert.InRange(ErrorAt(temperature: 0.4), 0.1, 1);            // too sure
        Assert.InRange(ErrorAt(temperature: 3), 0.1, 1);              // too shy

        double ErrorAt(double temperature)
        {
            var probabilities = new float[logits.Length];
            for (var row = 0; row < labels.Length; row++)
            {
                TemperatureScaling.Apply(logits.AsSpan(row * 10, 10), temperature, probabilities.AsSpan(row * 10, 10));
            }

            return Reliability.Of(probabilities, labels).ExpectedCalibrationError;
        }
    }

    [Fact]
    public void Without_predictions_there_is_no_error()
    {
        Assert.Equal(0, new Reliability().ExpectedCalibrationError);
        Assert.Throws<ArgumentException>(() => Reliability.Of([0.5f], []));
    }
}
