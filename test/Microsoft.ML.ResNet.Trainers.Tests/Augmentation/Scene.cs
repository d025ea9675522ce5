namespace Microsoft.ML.ResNet.Trainers.Tests.Augmentation;

/// <summary>
/// A picture that shows what was done to it: a house on the left, the sun on the right, a letter that
/// is no mirror image of itself, and a grey ramp.
/// </summary>
internal static class Scene
{
    private static readonly Dictionary<char, string[]> Letters = new()
    {
        ['R'] = ["####.", "#...#", "#...#", "####.", "#.#..", "#..#.", "#...#"],
        ['F'] = ["#####", "#....", "#....", "####.", "#....", "#....", "#...."],
        ['G'] = [".###.", "#...#", "#....", "#.###", "#...#", "#...#", ".###."],
    };

    /// <summary>Draws pixels of three channels, channels last.</summary>
    public static byte[] Draw(int height, int width, char letter = 'R')
    {
        var pixels = new byte[height * width * 3];
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                var (red, green, blue) = ColorAt((x + 0.5) / width, (y + 0.5) / height, letter);
                ((byte)red, (byte)green, (byte)blue).CopyTo(pixels.AsSpan((y * width + x) * 3));
            }
        }

        return pixels;
    }

    private static (double Red, double Green, double Blue) ColorAt(double x, double y, char letter) => (x, y) switch
    {
        (_, > 0.9) => (40 + 170 * x, 40 + 170 * x, 40 + 170 * x),
        _ when IsInk((x - 0.5) / 0.4, (y - 0.35) / 0.5, Letters[letter]) => (30, 30, 50),
        _ when Math.Pow(x - 0.8, 2) + Math.Pow(y - 0.17, 2) < 0.015 => (235, 205, 50),
        ( > 0.08 and < 0.4, > 0.45 and < 0.75) => (200, 60, 40),
        (_, > 0.25 and <= 0.45) when Math.Abs(x - 0.24) < y - 0.25 => (110, 50, 30),
        (_, > 0.68) => (70, 150, 60),
        _ => letter switch { 'R' => (120, 180, 230), 'F' => (230, 170, 190), _ => (150, 150, 150) },
    };

    private static bool IsInk(double x, double y, string[] letter) =>
        x is >= 0 and < 1 && y is >= 0 and < 1 && letter[(int)(y * 7)][(int)(x * 5)] == '#';

    private static void CopyTo(this (byte Red, byte Green, byte Blue) color, Span<byte> pixel) => (pixel[0], pixel[1], pixel[2]) = color;
}
