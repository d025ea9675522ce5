using SkiaSharp;

namespace Studio.Tests.Hosting;

/// <summary>Draws images that a network tells apart after seconds: warm circles and cold stars, each at another place.</summary>
internal static class Drawn
{
    /// <summary>Writes images into a folder for each class.</summary>
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

    /// <summary>Draws images of one class.</summary>
    public static byte[][] Pictures(string name, int count, int size = 32)
    {
        var random = new Random(name.Length);
        return [.. Enumerable.Range(0, count).Select(_ => Draw(name == "star", size, random))];
    }

    private static byte[] Draw(bool isStar, int size, Random random)
    {
        using var bitmap = new SKBitmap(size, size);
        using var canvas = new SKCanvas(bitmap);
        canvas.Clear(SKColor.FromHsv(random.Next(360), 20, random.Next(20, 50)));
        using var paint = new SKPaint { IsAntialias = true, Color = SKColor.FromHsv((isStar ? 200 : 10) + random.Next(40), 80, 90) };
        var (x, y, radius) = (Near(), Near(), size * (0.2f + (0.12f * random.NextSingle())));
        if (isStar)
        {
            using var path = new SKPath();
            for (var corner = 0; corner < 10; corner++)
            {
                var (angle, reach) = (MathF.PI * corner / 5, corner % 2 == 0 ? radius * 1.3f : radius * 0.5f);
                var point = new SKPoint(x + (reach * MathF.Sin(angle)), y - (reach * MathF.Cos(angle)));
                if (corner == 0)
                {
                    path.MoveTo(point);
                }
                else
                {
                    path.LineTo(point);
                }
            }

            path.Close();
            canvas.DrawPath(path, paint);
        }
        else
        {
            canvas.DrawCircle(x, y, radius, paint);
        }

        canvas.Flush();
        using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();

        float Near() => size * (0.35f + (0.3f * random.NextSingle()));
    }
}
