using SkiaSharp;

namespace QuickStart;

/// <summary>
/// A small data set of real image files, drawn on the spot: <c>train/circle/0001.png</c>, <c>test/star/0042.jpg</c> and so on, PNG and
/// JPEG mixed as in any folder of pictures. Ten classes, easy for a person and for a convolutional network; a linear classifier on
/// the pixels does little better than guess.
/// </summary>
internal static class ShapesDataset
{
    private const int JpegQuality = 90;

    /// <summary>Gets the names of the classes, sorted; they are also the names of the folders.</summary>
    public static IReadOnlyList<string> ClassNames { get; } = [.. Shape.All.Select(shape => shape.Name)];

    /// <summary>Writes the image files. The same seed gives the same files, and a smaller set is the beginning of a larger one.</summary>
    /// <param name="folder">
    /// The folder to write to, made if it is not there. Nothing in it is deleted; the files of an earlier call are written over.
    /// </param>
    /// <param name="trainPerClass">The number of training images of each class.</param>
    /// <param name="testPerClass">The number of test images of each class.</param>
    /// <param name="seed">The seed of every random choice.</param>
    /// <param name="size">The width and height of the images, in pixels.</param>
    /// <exception cref="IOException">A class folder holds files that are not of this data set; nothing has been written.</exception>
    public static void Create(string folder, int trainPerClass, int testPerClass, int seed, int size = 32)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(trainPerClass);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(testPerClass);
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 16);

        var random = new Random(seed);
        ClassFolder[] folders =
        [
            .. Shape.All.Select(shape => new ClassFolder(Path.Combine(folder, "train", shape.Name), shape, trainPerClass, random.Next())),
            .. Shape.All.Select(shape => new ClassFolder(Path.Combine(folder, "test", shape.Name), shape, testPerClass, random.Next())),
        ];

        foreach (var classFolder in folders)
        {
            classFolder.RefuseOtherFiles();
        }

        foreach (var classFolder in folders)
        {
            classFolder.Write(size);
        }
    }

    private sealed record ClassFolder(string FolderPath, Shape Shape, int Count, int Seed)
    {
        private IEnumerable<string> FileNames =>
            Enumerable.Range(1, Count).Select(number => $"{number:D4}{(number % 3 == 0 ? ".jpg" : ".png")}");

        // A file left over from a larger set, or one of the user's own, would be learned as if it had been drawn.
        public void RefuseOtherFiles()
        {
            if (!Directory.Exists(FolderPath))
            {
                return;
            }

            var skipHidden = new EnumerationOptions();
            var other = Directory.EnumerateFiles(FolderPath, "*", skipHidden).Select(Path.GetFileName).Except(FileNames).FirstOrDefault();
            if (other is not null)
            {
                throw new IOException(
                    $"'{Path.Combine(FolderPath, other)}' is not one of the {Count} images to be drawn there and would be mixed with them. "
                    + "Name a new folder, or delete this one.");
            }
        }

        public void Write(int size)
        {
            Directory.CreateDirectory(FolderPath);
            var painter = new ShapePainter(size, new Random(Seed));
            foreach (var name in FileNames)
            {
                using var picture = painter.Paint(Shape);
                using var file = File.Create(Path.Combine(FolderPath, name));
                var format = Path.GetExtension(name) == ".jpg" ? SKEncodedImageFormat.Jpeg : SKEncodedImageFormat.Png;
                if (!picture.Encode(file, format, JpegQuality))
                {
                    throw new IOException($"'{file.Name}' could not be encoded.");
                }
            }
        }
    }
}
