using System.Collections.Immutable;
using Microsoft.ML;
using Microsoft.ML.ResNet;

namespace Cli;

/// <summary>The images below a folder that has a sub-folder for each class.</summary>
/// <param name="Folder">The folder.</param>
/// <param name="Files">Its images, ordered by class, then by path.</param>
internal sealed record LabeledImages(string Folder, ImageFolderRow[] Files)
{
    private const int Listed = 10;

    /// <summary>Gets the classes, in the order of the files.</summary>
    public ImmutableArray<string> Classes { get; } = [.. Files.Select(file => file.Label).Distinct()];

    /// <summary>Lists a folder.</summary>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="InvalidOperationException">It has no sub-folder with images.</exception>
    public static LabeledImages In(string folder)
    {
        if (folder.Length == 0)
        {
            throw new DirectoryNotFoundException("The name of a folder of images is empty.");
        }

        var ml = new MLContext();
        return new LabeledImages(
            folder, [.. ml.Data.CreateEnumerable<ImageFolderRow>(ml.Data.LoadImageFolder(folder), reuseRowObject: false)]);
    }

    /// <summary>Gets the files as ML.NET reads them.</summary>
    public IDataView ToView(MLContext ml) => ml.Data.LoadFromEnumerable(Files);

    /// <summary>Refuses images of a class that a network does not know; both lists are told.</summary>
    /// <param name="known">The classes that are known.</param>
    /// <param name="who">Who knows them: a model, or the folder that is trained on.</param>
    /// <param name="advice">What to do, if that is known.</param>
    /// <exception cref="ArgumentException">There is such a class.</exception>
    public void RefuseOtherClassesThan(ImmutableArray<string> known, string who, string advice = "")
    {
        if (Classes.FirstOrDefault(label => !known.Contains(label)) is { } unknown)
        {
            throw new ArgumentException(
                $"Folder '{Folder}' has a class '{unknown}' that '{who}' does not know. Its classes are: {List(known)}. Those of the "
                + $"folder are: {List(Classes)}."
                + advice);
        }
    }

    /// <summary>Lists classes for a message.</summary>
    public static string List(ImmutableArray<string> classes) =>
        $"{string.Join(", ", classes.Take(Listed))}{(classes.Length > Listed ? $", … ({classes.Length} in all)" : "")}";

    /// <summary>Leaves out the images that cannot be read; each is decoded once.</summary>
    /// <exception cref="InvalidDataException">None can be read, or one cannot and that is to fail.</exception>
    public LabeledImages Readable(string description, ImageReader reader)
    {
        var paths = Array.ConvertAll(Files, file => file.ImagePath);
        var isRead = new bool[Files.Length];
        reader.ForEach(description, paths, (index, _) => isRead[index] = true);
        var readable = Files.Where((_, index) => isRead[index]).ToArray();
        return readable.Length > 0
            ? new LabeledImages(Folder, readable)
            : throw new InvalidDataException($"None of the {Files.Length:n0} images in '{Folder}' can be read.");
    }

    /// <summary>Takes some of the images, spread evenly, and of each class at least two.</summary>
    public LabeledImages Some(int count)
    {
        var share = Math.Min(1, (double)count / Files.Length);
        return new LabeledImages(Folder,
        [
            .. Files.GroupBy(file => file.Label).SelectMany(images =>
            {
                var all = images.ToArray();
                var wanted = Math.Min(all.Length, Math.Max(2, (int)Math.Ceiling(share * all.Length)));
                return Enumerable.Range(0, wanted).Select(i => all[(int)((long)i * all.Length / wanted)]);
            }),
        ]);
    }
}
