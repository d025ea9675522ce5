namespace Microsoft.ML.ResNet.Trainers.Reporting.Measures;

/// <summary>How a network does on the mean of several views of each image.</summary>
/// <param name="Name">The views' name.</param>
/// <param name="Views">The views of each image.</param>
/// <param name="Accuracy">The images classified right.</param>
/// <param name="LogLoss">The mean cross-entropy in nats.</param>
internal sealed record ViewResult(string Name, int Views, Proportion Accuracy, double LogLoss);
