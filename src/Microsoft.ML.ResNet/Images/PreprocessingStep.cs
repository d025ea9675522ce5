using System.Collections.Immutable;

namespace Microsoft.ML.ResNet.Images;

/// <summary>
/// A step from the pixels of a resized image to the network's input. <see cref="ImagePreprocessing.Steps"/> lists them; the ONNX graph
/// and Torch both walk that list.
/// </summary>
internal abstract record PreprocessingStep
{
    /// <summary>Averages squares of so many pixels a side.</summary>
    public sealed record AveragePool(int Size) : PreprocessingStep;

    /// <summary>Takes the middle, of the input's size; so many pixels on each side are left out.</summary>
    public sealed record CenterCrop(int Border, ImageShape Input) : PreprocessingStep;

    /// <summary>Subtracts the mean: [channels, 1, 1], or an image.</summary>
    public sealed record Subtract(ImmutableArray<float> Mean, ImageShape Shape) : PreprocessingStep;

    /// <summary>Divides by the standard deviation: [channels, 1, 1].</summary>
    public sealed record Divide(ImmutableArray<float> StandardDeviation, ImageShape Shape) : PreprocessingStep;
}
