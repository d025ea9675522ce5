namespace Microsoft.ML.ResNet.Trainers.Calibration;

/// <summary>Predictions of about the same confidence.</summary>
/// <param name="Low">The confidence that the bin begins after.</param>
/// <param name="High">The confidence that the bin ends with.</param>
/// <param name="Count">The number of predictions.</param>
/// <param name="Confidence">Their mean confidence; 0 without any.</param>
/// <param name="Accuracy">The share of them that was right; 0 without any.</param>
internal sealed record ReliabilityBin(double Low, double High, long Count, double Confidence, double Accuracy);
