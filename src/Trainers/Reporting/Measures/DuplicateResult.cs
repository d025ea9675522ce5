using System.Collections.Immutable;

namespace Microsoft.ML.ResNet.Trainers.Reporting.Measures;

/// <summary>The test images that are among the training images too, or look the same.</summary>
/// <param name="TestImages">The test images.</param>
/// <param name="TrainingImages">The training images.</param>
/// <param name="Similarity">How similar two had to be.</param>
/// <param name="Count">The test images that have such a training image.</param>
/// <param name="Shown">The most similar of them.</param>
internal sealed record DuplicateResult(
    int TestImages, int TrainingImages, float Similarity, int Count, ImmutableArray<DuplicatePair> Shown);

/// <summary>A test image, and the training image that looks the same.</summary>
/// <param name="Test">The test image's path, or the number of its row.</param>
/// <param name="Training">The training image's.</param>
/// <param name="Similarity">The cosine between their features.</param>
/// <param name="TestPicture">The test image, small; null where there is no file to read it from.</param>
/// <param name="TrainingPicture">The training image, small.</param>
internal sealed record DuplicatePair(
    string Test, string Training, float Similarity, Thumbnail? TestPicture, Thumbnail? TrainingPicture);
