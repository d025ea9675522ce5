using System.Collections.Immutable;
using Microsoft.ML.ResNet.Trainers.Calibration;

namespace Microsoft.ML.ResNet.Trainers.Reporting.Measures;

/// <summary>Adds up how far probabilities can be trusted, row by row.</summary>
internal sealed class CalibrationMeter
{
    // ML.NET's: without it, one image of probability zero makes the loss infinite.
    private const double SmallestProbability = 1e-15;

    private readonly Reliability _reliability = new();
    private double _lossSum;
    private long _count;

    public void Add(ReadOnlySpan<float> probabilities, int label, int predicted)
    {
        _reliability.Add(probabilities[predicted], label == predicted);
        _lossSum -= Math.Log(Math.Max(probabilities[label], SmallestProbability));
        _count++;
    }

    public CalibrationResult ToResult() => new(_lossSum / _count, _reliability.ExpectedCalibrationError, _reliability.Bins);
}

/// <summary>How far the probabilities can be trusted.</summary>
/// <param name="LogLoss">The mean cross-entropy in nats.</param>
/// <param name="ExpectedCalibrationError">See <see cref="Reliability.ExpectedCalibrationError"/>.</param>
/// <param name="Bins">Predictions by their confidence.</param>
internal sealed record CalibrationResult(double LogLoss, double ExpectedCalibrationError, ImmutableArray<ReliabilityBin> Bins);
