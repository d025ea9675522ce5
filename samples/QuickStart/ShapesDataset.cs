using SkiaSharp;

namespace QuickStart;

/// <summary>
/// A small data set of real image files, drawn on the spot: <c>train/&lt;class&gt;/0001.png</c>, <c>test/&lt;class&gt;/0001.png</c> and so on,
/// PNG and JPEG mixed as in any folder of pictures. A linear classifier on the pixels can hardly do better than guess; a convolutional network learns it in a minute.
/// </summary>
internal static class ShapesDataset
{
    private const int JpegQuality = 90;

    /// <summary>Gets the names of the classes, which are also those of their folders, sorted.</summary>
    public static IReadOnlyList<string> ClassNames { get; } = [.. Shape.All.Select(shape => shape.Name)];

    /// <summary>
    /// Writes the image files. The same seed gives the same files, and a smaller set is the beginning of a larger one.
    /// Nothing is deleted: a file of an earlier call is written over, and any other image in the way is an error.
    /// </summary>
    /// <param name="folder">The folder to write to, made if it is not there.</param>
    /// <param name="trainPerClass">The number of training images of each class.</param>
    /// <param name="testPerClass">The number of test images of each class.</param>
    /// <param name="seed">The seed of every random choice.</param>
    /// <param name="size">The width and height of the images, in pixels.</param>
    public static void Create(string folder, int trainPerClass, int testPerClass, int seed, int size = 32)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(trainPerClass);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(testPerClass);
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 16);

        var seeds = new Random(seed);
        var jobs = new List<ClassFolder>();
        foreach (var (split, count) in new[] { ("train", trainPerClass), ("test", testPerClass) })
        {
            foreach (var shape in Shape.All)
            {
                jobs.Add(new(Path.Combine(folder, split, shape.Name), shape, count, seeds.Next()));
            }
        }

        Parallel.ForEach(jobs, job => job.Write(size));
    }

    // One seed a folder, so that the files do not depend on how the folders are spread over threads.
    private sealed record ClassFolder(string Path, Shape Shape, int Count, int Seed)
    {
        public void Write(int size)
        {
            Directory.CreateDirectory(Path);
            var names = Enumerable.Range(1, Count).Select(FileName).ToHashSet();
            RefuseOtherFiles(names);

            var painter = new ShapePainter(size, new Random(Seed));
            foreach (var name in names)
            {
                using var picture = painter.Paint(Shape);
                using var file = File.Create(System.IO.Path.Combine(Path, name));
                var format = name.EndsWith(".jpg", StringComparison.Ordinal) ? SKEncodedImageFormat.Jpeg : SKEncodedImageFormat.Png;
                picture.Encode(file, format, JpegQuality);
            }
        }

        // Every third file is a JPEG.
        private static string FileName(int number) => $"{number:D4}.{(number % 3 == 0 ? "jpg" : "png")}";

        private void RefuseOtherFiles(HashSet<string> names)
        {
            var other = Directory.EnumerateFiles(Path).FirstOrDefault(file => !names.Contains(System.IO.Path.GetFileName(file)));
            if (other is not null)
            {
                throw new IOException($"'{other}' is not part of the shapes to be drawn ({Count} images a class) and would be mixed with them. Give an empty folder.");
            }
        }
    }
}

internal static class RandomExtensions
{
    /// <summary>Rolls a number between two others.</summary>
    public static float Between(this Random dice, float low, float high) => low + (high - low) * dice.NextSingle();
}
