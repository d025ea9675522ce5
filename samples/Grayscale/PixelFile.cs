using QuickStart;
using SkiaSharp;

namespace Grayscale;

/// <summary>A CSV file of drawn shapes: the class, then every pixel's brightness.</summary>
internal static class PixelFile
{
    /// <summary>Draws the file. The same seed gives the same file.</summary>
    public static string Draw(string path, int size, int perClass, int seed)
    {
        var painter = new ShapePainter(size, new Random(seed));
        using var file = new StreamWriter(path);
        for (var picture = 0; picture < perClass; picture++)
        {
            foreach (var shape in Shape.All)
            {
                using var bitmap = painter.Paint(shape);
                file.WriteLine($"{shape.Name},{string.Join(',', bitmap.Pixels.Select(Luma))}");
            }
        }

        return path;
    }

    /// <summary>Refuses a file whose rows have more or fewer pixels than an image has.</summary>
    /// <remarks>ML.NET reads the columns that it is told, and leaves out what follows.</remarks>
    /// <exception cref="InvalidDataException">The first row of pixels has.</exception>
    public static void RefuseOtherSize(string path, int size, bool hasHeader)
    {
        var pixels = File.ReadLines(path).Skip(hasHeader ? 1 : 0).FirstOrDefault() is { } row ? row.Split(',').Length - 1 : 0;
        if (pixels != size * size)
        {
            throw new InvalidDataException(
                $"The first row of '{path}' has {pixels} pixels, but images of --size {size} have {size * size}: a row is the class, "
                + "and then every pixel of an image.");
        }
    }

    // ITU-R BT.601, as JPEG and most image libraries have it.
    private static byte Luma(SKColor color) => (byte)Math.Round(0.299 * color.Red + 0.587 * color.Green + 0.114 * color.Blue);
}
