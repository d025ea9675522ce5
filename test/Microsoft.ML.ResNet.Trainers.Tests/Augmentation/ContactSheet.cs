using Microsoft.ML.Data;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Trainers.Tests.Augmentation;

/// <summary>Pictures side by side, compared with those in the folder Golden.</summary>
/// <remarks>
/// To write them anew, run the tests with the environment variable RESNET_WRITE_GOLDEN set to 1; then look at every picture that changed.
/// </remarks>
internal sealed class ContactSheet(int side, int columns)
{
    private const int Gap = 2;
    private const int Tolerance = 1; // processors round differently

    private readonly List<float[]> _pictures = [];

    /// <summary>Adds a square picture of three channels, channels last.</summary>
    public void Add(float[] picture) => _pictures.Add(picture);

    /// <summary>Asserts that the sheet is the golden one.</summary>
    public void AssertIsGolden(string name)
    {
        var (pixels, height, width) = Compose();
        var path = Path.Combine(Repository.Root, "test", "Microsoft.ML.ResNet.Trainers.Tests", "Augmentation", "Golden", $"{name}.png");
        if (Environment.GetEnvironmentVariable("RESNET_WRITE_GOLDEN") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            using var image = Pictures.ToImage(pixels, height, width);
            image.Save(path);
        }

        using var golden = MLImage.CreateFromFile(path);
        Assert.Equal((height, width), (golden.Height, golden.Width));
        ReadOnlySpan<int> rgb = golden.PixelFormat == MLPixelFormat.Bgra32 ? [2, 1, 0] : [0, 1, 2];
        for (var i = 0; i < pixels.Length; i++)
        {
            var (row, column) = (i / 3 / width, i / 3 % width);
            var expected = golden.Pixels[i / 3 * 4 + rgb[i % 3]];
            Assert.True(Math.Abs(pixels[i] - expected) <= Tolerance,
                $"{name}: channel {i % 3} is {pixels[i]} and not {expected} at row {row % (side + Gap)}, column {column % (side + Gap)} "
                + $"of picture {row / (side + Gap) * columns + column / (side + Gap)}.");
        }
    }

    private (byte[] Pixels, int Height, int Width) Compose()
    {
        var rows = (_pictures.Count + columns - 1) / columns;
        var (height, width) = (rows * (side + Gap) - Gap, columns * (side + Gap) - Gap);
        var pixels = new byte[height * width * 3];
        Array.Fill(pixels, (byte)255);
        for (var i = 0; i < _pictures.Count; i++)
        {
            var (top, left) = (i / columns * (side + Gap), i % columns * (side + Gap));
            for (var value = 0; value < _pictures[i].Length; value++)
            {
                var (row, offset) = (value / (side * 3), value % (side * 3));
                pixels[((top + row) * width + left) * 3 + offset] = (byte)Math.Clamp(MathF.Round(_pictures[i][value]), 0, 255);
            }
        }

        return (pixels, height, width);
    }
}
