namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>An image that comes in the order of an epoch.</summary>
/// <param name="Index">Which of the images it is.</param>
/// <param name="Image">The image; null where it was not wanted, or could not be read.</param>
/// <param name="Failure">Why it could not be; empty where it was.</param>
internal readonly record struct StreamedImage<T>(int Index, StoredImage<T>? Image, string Failure)
    where T : unmanaged;
