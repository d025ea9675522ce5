using Microsoft.ML.Data;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>How ML.NET's images hold colours.</summary>
internal static class ImageColors
{
    /// <summary>The weights of red, green and blue in ML.NET's ConvertToGrayscale.</summary>
    public static readonly float[] GrayWeights = [0.3f, 0.59f, 0.11f];

    /// <summary>Gets where red, green and blue stand among the four values of a pixel.</summary>
    public static ReadOnlySpan<int> Rgb(this MLImage image) => image.PixelFormat == MLPixelFormat.Bgra32 ? [2, 1, 0] : [0, 1, 2];
}
