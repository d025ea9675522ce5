using Microsoft.ML.Data;

namespace Microsoft.ML.ResNet.TestSupport;

/// <summary>Small pictures of stripes: class 0 lies, class 1 stands, class 2 is diagonal; colour, phase and noise vary.</summary>
internal static class Pictures
{
    public static readonly string[] ClassNames = ["lying", "standing", "diagonal"];

    /// <summary>Draws pixels, channels last.</summary>
    public static byte[] Draw(int label, int height, int width, int channels, Random random)
    {
        var pixels = new byte[height * width * channels];
        var phase = random.Next(8);
        var tint = new double[channels];
        for (var channel = 0; channel < channels; channel++)
        {
            tint[channel] = 0.5 + 0.5 * random.NextDouble();
        }

        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                var along = label switch { 0 => y, 1 => x, _ => x + y };
                var bright = (along + phase) / 4 % 2 == 0;
                for (var channel = 0; channel < channels; channel++)
                {
                    pixels[(y * width + x) * channels + channel] = (byte)Math.Clamp(
                        (bright ? 200 : 60) * tint[channel] + random.Next(-20, 21), 0, 255);
                }
            }
        }

        return pixels;
    }

    /// <summary>Writes PNG files, one folder per class, as LoadImageFolder reads them.</summary>
    public static void Write(string folder, int perClass, int height, int width, int seed = 1, int classes = 3)
    {
        var random = new Random(seed);
        for (var label = 0; label < classes; label++)
        {
            var classFolder = Directory.CreateDirectory(Path.Combine(folder, ClassNames[label])).FullName;
            for (var i = 0; i < perClass; i++)
            {
                using var image = ToImage(Draw(label, height, width, 3, random), height, width);
                image.Save(Path.Combine(classFolder, $"{i:d3}.png"));
            }
        }
    }

    public static MLImage ToImage(byte[] rgb, int height, int width)
    {
        var bgra = new byte[height * width * 4];
        for (var i = 0; i < height * width; i++)
        {
            (bgra[4 * i], bgra[4 * i + 1], bgra[4 * i + 2], bgra[4 * i + 3]) = (rgb[3 * i + 2], rgb[3 * i + 1], rgb[3 * i], 255);
        }

        return MLImage.CreateFromPixels(width, height, MLPixelFormat.Bgra32, bgra);
    }

    /// <summary>Makes rows with planar vectors of bytes and floats, as from a CSV file or a database.</summary>
    public static PixelRow[] Rows(int perClass, int height, int width, int channels, int seed = 1, int classes = 3)
    {
        var random = new Random(seed);
        var rows = new List<PixelRow>();
        for (var i = 0; i < perClass; i++)
        {
            for (var label = 0; label < classes; label++)
            {
                var pixels = ToPlanar(Draw(label, height, width, channels, random), channels);
                rows.Add(new PixelRow
                {
                    Name = ClassNames[label],
                    Bytes = pixels,
                    Floats = Array.ConvertAll(pixels, value => value / 255f),
                    Weight = 1,
                });
            }
        }

        return [.. rows];
    }

    public static byte[] ToPlanar(byte[] interleaved, int channels)
    {
        var plane = interleaved.Length / channels;
        var planar = new byte[interleaved.Length];
        for (var i = 0; i < interleaved.Length; i++)
        {
            planar[i % channels * plane + i / channels] = interleaved[i];
        }

        return planar;
    }

    /// <summary>Loads rows with the vectors' size in their type.</summary>
    public static IDataView Load(MLContext ml, PixelRow[] rows)
    {
        var schema = SchemaDefinition.Create(typeof(PixelRow));
        schema[nameof(PixelRow.Bytes)].ColumnType = new VectorDataViewType(NumberDataViewType.Byte, rows[0].Bytes.Length);
        schema[nameof(PixelRow.Floats)].ColumnType = new VectorDataViewType(NumberDataViewType.Single, rows[0].Floats.Length);
        return ml.Data.LoadFromEnumerable(rows, schema);
    }
}

internal sealed class PixelRow
{
    public string Name { get; set; } = "";

    public byte[] Bytes { get; set; } = [];

    public float[] Floats { get; set; } = [];

    public float Weight { get; set; }
}
