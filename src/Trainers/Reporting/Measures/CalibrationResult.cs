using System.Collections.Immutable;
using Microsoft.ML.ResNet.Trainers.Calibration;

namespace Microsoft.ML.ResNet.Trainers.Reporting.Measures;

/// <summary>How far the probabilities can be trusted.</summary>
/// <param name="LogLoss">The mean cross-entropy in nats.</param>
/// <param name="ExpectedCalibrationError">See <see cref="Reliability.ExpectedCalibrationError"/>.</param>
/// <param name="Bins">Predictions by their confidence.</param>
internal sealed record CalibrationResult(double LogLoss, double ExpectedCalibrationError, ImmutableArray<ReliabilityBin> Bins);
