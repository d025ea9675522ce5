namespace Microsoft.ML.ResNet.Trainers;

/// <summary>An image could not be decoded, or its file is truncated.</summary>
/// <param name="message">Names the image.</param>
/// <param name="innerException">Why, if a decoder said so.</param>
public sealed class BadImageException(string message, Exception? innerException) : IOException(message, innerException);
