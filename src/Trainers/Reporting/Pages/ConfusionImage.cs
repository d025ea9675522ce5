using Microsoft.ML.ResNet.Trainers.Reporting.Measures;
using SkiaSharp;

namespace Microsoft.ML.ResNet.Trainers.Reporting.Pages;

/// <summary>
/// Draws a confusion matrix of many classes, one pixel for each pair. What is zero stays transparent, so that it fits any page.
/// </summary>
internal static class ConfusionImage
{
    public const int MostClasses = 1000;

    private static readonly SKColor Hit = new(0x2a, 0x8f, 0xd0);
    private static readonly SKColor Miss = new(0xe8, 0x72, 0x1c);

    /// <summary>Gets how strongly a count is coloured: a rare mistake is still seen.</summary>
    public static double Strength(long count, long support) => 0.12 + 0.88 * Math.Sqrt((double)count / support);

    public static byte[] Draw(ClassificationReport report)
    {
        var side = report.Classes.Length;
        using var bitmap = new SKBitmap(side, side, SKColorType.Rgba8888, SKAlphaType.Unpremul);
        bitmap.Erase(SKColors.Transparent);
        for (var i = 0; i < side; i++)
        {
            Set(i, i, Hit, report.Classes[i].Correct);
        }

        foreach (var pair in report.Confusions)
        {
            Set(pair.Class, pair.Predicted, Miss, pair.Count);
        }

        using var encoded = bitmap.Encode(SKEncodedImageFormat.Png, quality: 100);
        return encoded.ToArray();

        void Set(int row, int column, SKColor color, long count)
        {
            if (count > 0)
            {
                bitmap.SetPixel(column, row, color.WithAlpha((byte)Math.Round(255 * Strength(count, report.Classes[row].Support))));
            }
        }
    }
}
