using QuickStart;
using SkiaSharp;

namespace Studio.Tests.Hosting;

/// <summary>Draws images to learn from.</summary>
internal static class Drawn
{
    /// <summary>Writes images of two shapes into a folder for each.</summary>
    public static void Project(string folder, int perClass, params string[] classes)
    {
        foreach (var name in classes)
        {
            var target = Directory.CreateDirectory(Path.Combine(folder, name)).FullName;
            var pictures = Pictures(name, perClass);
            for (var i = 0; i < perClass; i++)
            {
                File.WriteAllBytes(Path.Combine(target, $"{name} {i:d4}.png"), pictures[i]);
            }
        }
    }

    /// <summary>Draws images of one shape.</summary>
    public static byte[][] Pictures(string name, int count, int size = 32)
    {
        var shape = Shape.All.First(each => each.Name == name);
        var painter = new ShapePainter(size, new Random(shape.Name.Length * 1000));
        return [.. Enumerable.Range(0, count).Select(_ => painter.Paint(shape)).Select(Encode)];
    }

    private static byte[] Encode(SKBitmap picture)
    {
        using (picture)
        {
            using var data = picture.Encode(SKEncodedImageFormat.Png, 100);
            return data.ToArray();
        }
    }
}
