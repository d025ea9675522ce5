using Microsoft.ML.Data;

namespace Benchmarks.Data;

/// <summary>
/// Images of waves, for those who have no others: a direction and a wavelength for each class, in
/// changing colours, with noise. The same every time.
/// </summary>
internal static class DrawnImages
{
    public static void Write(string folder, int classes, int perClass, int height, int width, string extension)
    {
        for (var label = 0; label < classes; label++)
        {
            var random = new Random(label);
            var classFolder = Directory.CreateDirectory(Path.Combine(folder, $"class{label}")).FullName;
            for (var i = 0; i < perClass; i++)
            {
                using var image = MLImage.CreateFromPixels(
                    width, height, MLPixelFormat.Bgra32, Draw(label, classes, height, width, random));
                image.Save(Path.Combine(classFolder, $"{i:d5}{extension}"));
            }
        }
    }

    private static byte[] Draw(int label, int classes, int height, int width, Random random)
    {
        var pixels = new byte[height * width * 4];
        var (sin, cos) = Math.SinCos(Math.PI * label / classes);
        var wavelength = Math.Max(height, width) / (4.0 + label);
        var phase = random.NextDouble() * 2 * Math.PI;
        ReadOnlySpan<double> tint = [0.4 + 0.6 * random.NextDouble(), 0.4 + 0.6 * random.NextDouble(), 0.4 + 0.6 * random.NextDouble()];
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                var wave = 128 + 90 * Math.Sin(2 * Math.PI * (x * cos + y * sin) / wavelength + phase) + random.Next(-20, 21);
                var pixel = pixels.AsSpan(4 * (y * width + x), 4);
                for (var channel = 0; channel < 3; channel++)
                {
                    pixel[channel] = (byte)Math.Clamp(wave * tint[channel], 0, 255);
                }

                pixel[3] = 255;
            }
        }

        return pixels;
    }
}
