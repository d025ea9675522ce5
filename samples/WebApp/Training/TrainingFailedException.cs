namespace WebApp.Training;

/// <summary>No model could be trained; the message says why and what to do.</summary>
internal sealed class TrainingFailedException(string message) : Exception(message);
