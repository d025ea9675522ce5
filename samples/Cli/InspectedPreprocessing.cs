using Microsoft.ML.ResNet;

namespace Cli;

/// <summary>How images become a network's input: <see cref="ImagePreprocessing"/> says what the numbers mean.</summary>
internal sealed record InspectedPreprocessing(int[] ResizeTo, int CropBorder, int Supersampling, float[] Mean, float[] StandardDeviation)
{
    public static InspectedPreprocessing? Of(ImagePreprocessing? preprocessing) => preprocessing is null
        ? null
        : new InspectedPreprocessing(
            [preprocessing.ResizeTo.Height, preprocessing.ResizeTo.Width], preprocessing.CropBorder, preprocessing.Supersampling,
            [.. preprocessing.Mean], [.. preprocessing.StandardDeviation]);
}
