using System.Collections.Immutable;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet;

namespace Cli;

/// <summary>Images with their classes: those below a folder that has a sub-folder for each class, those of a CSV file, or those of
/// shards.</summary>
/// <param name="Folder">The folder, the CSV file, or the names of the shards.</param>
/// <param name="Files">Its images: of a folder ordered by class, then by path; of a file as they come; of shards, whose images are no
/// files, the labels alone.</param>
/// <param name="HasSeveralLabels">Whether an image has any number of labels, as those of a CSV file have.</param>
internal sealed record LabeledImages(string Folder, ImageFolderRow[] Files, bool HasSeveralLabels = false)
{
    private const int Listed = 10;

    /// <summary>Gets the classes in the order of the files; labels, of which an image has any number, in the order of their
    /// names.</summary>
    public ImmutableArray<string> Classes { get; init; } = ClassesOf(Files, HasSeveralLabels);

    /// <summary>Gets how shards are read.</summary>
    /// <value>The default is null: the images are files.</value>
    public ImageShardOptions? Shards { get; init; }

    /// <summary>Gets the samples of shards that are not seen: they have no label, or cannot be read.</summary>
    public IReadOnlySet<string> Unseen { get; init; } = ImmutableHashSet<string>.Empty;

    /// <summary>Lists a folder, reads a CSV file, or reads the labels of shards.</summary>
    /// <param name="path">The folder, the file, or the names of the shards.</param>
    /// <param name="shards">How shards are read.</param>
    /// <param name="terminal">Where it is told what is left out of shards.</param>
    /// <param name="cancellation">Stops reading labels.</param>
    /// <exception cref="IOException">It is not there.</exception>
    /// <exception cref="InvalidOperationException">A folder has no sub-folder with images.</exception>
    public static LabeledImages From(
        string path, ImageShardOptions shards, Terminal terminal, CancellationToken cancellation) =>
        ShardLabels.AreMeant(path) ? ShardLabels.Read(path, shards, terminal, cancellation)
        : LabelList.IsOne(path) ? new LabeledImages(path, LabelList.Read(path), HasSeveralLabels: true)
        : In(path);

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

    /// <summary>Gets the files as ML.NET reads them. Of shards it is a row for each class: a model of theirs reads files, too.</summary>
    public IDataView ToView(MLContext ml) => ml.Data.LoadFromEnumerable(
        Shards is null ? Files : Classes.Select(name => new ImageFolderRow { Label = name, ImagePath = "" }));

    /// <summary>Gets the images, decoded as they are asked for, with keys for labels.</summary>
    /// <param name="ml">The context.</param>
    /// <param name="trained">The images that are trained on, whose classes the keys count.</param>
    /// <param name="reading">Reads files: what <see cref="Reading"/> of those gives.</param>
    public IDataView ToImages(MLContext ml, LabeledImages trained, ITransformer reading)
    {
        if (Shards is null)
        {
            return reading.Transform(ToView(ml));
        }

        IDataView images = ml.Data.LoadImageShards(Folder, Shards with { ClassNames = Classes });
        images = Unseen.Count == 0 ? images
            : ml.Data.FilterByCustomPredicate<ShardSampleName>(images, sample => Unseen.Contains(sample.ImagePath));
        return Classes.SequenceEqual(trained.Classes)
            ? images
            : ml.Transforms.Conversion.MapKeyToValue("Label")
                .Append(ml.Transforms.Conversion.MapValueToKey("Label", keyData: trained.LabelNames(ml))).Fit(images).Transform(images);
    }

    /// <summary>Makes keys of the labels, and images of the paths.</summary>
    public TransformerChain<ImageLoadingTransformer> Reading(MLContext ml)
    {
        var (files, load) = (ToView(ml), ml.Transforms.LoadImages("Image", null, "ImagePath"));
        if (!HasSeveralLabels)
        {
            return ml.Transforms.Conversion.MapValueToKey("Label").Append(load).Fit(files);
        }

        return ml.Transforms.Text.TokenizeIntoWords("Label", separators: [LabelList.Separator])
            .Append(ml.Transforms.Conversion.MapValueToKey("Label", keyData: LabelNames(ml)))
            .Append(load).Fit(files);
    }

    /// <summary>Refuses images of one class only, where each has one.</summary>
    /// <exception cref="InvalidDataException">There is no other class.</exception>
    public void RefuseOneClass()
    {
        if (!HasSeveralLabels && Classes is [var only])
        {
            throw new InvalidDataException(
                $"{Kind} '{Folder}' has images of one class only, '{only}', but a network tells classes apart"
                + (Shards is null ? ": give each a sub-folder." : "."));
        }
    }

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
                $"{Kind} '{Folder}' has a {Name} '{unknown}' that '{who}' does not know. Its {Names} are: {List(known)}. Those of the "
                + $"{Noun} are: {List(Classes)}."
                + advice);
        }
    }

    /// <summary>Refuses to compare images that have one class each with images that have any number of labels.</summary>
    /// <param name="severalLabels">Whether the other images, or a network's, have any number of labels.</param>
    /// <param name="who">Whose they are.</param>
    /// <exception cref="ArgumentException">The two are not of the same kind.</exception>
    public void RefuseOtherKindThan(bool severalLabels, string who)
    {
        if (severalLabels != HasSeveralLabels)
        {
            throw new ArgumentException(severalLabels
                ? $"'{who}' is about images with any number of labels, but each image of '{Folder}' has one class: give "
                    + "a CSV file with a line for each image, its path and its labels (photos/1.jpg,dog|beach)."
                : $"'{who}' is about images with one class each, but '{Folder}' is a list of images with any number of labels: give a "
                    + "folder with a sub-folder for each class.");
        }
    }

    private string Kind => Shards is not null ? "The set of shards" : HasSeveralLabels ? "File" : "Folder";

    private string Noun => Shards is not null ? "shards" : HasSeveralLabels ? "file" : "folder";

    private string Name => HasSeveralLabels ? "label" : "class";

    private string Names => HasSeveralLabels ? "labels" : "classes";

    /// <summary>Lists classes for a message.</summary>
    public static string List(ImmutableArray<string> classes) =>
        $"{string.Join(", ", classes.Take(Listed))}{(classes.Length > Listed ? $", … ({classes.Length} in all)" : "")}";

    /// <summary>Leaves out the images that cannot be read; each is decoded once.</summary>
    /// <exception cref="InvalidDataException">None can be read, or one cannot and that is to fail.</exception>
    public LabeledImages Readable(string description, ImageReader reader)
    {
        if (Shards is not null)
        {
            var seen = new List<ImageFolderRow>();
            var unseen = reader.ForEach(description, this, (label, _) => seen.Add(new ImageFolderRow { Label = label, ImagePath = "" }));
            return seen.Count > 0 ? this with { Files = [.. seen], Unseen = unseen } : throw NoneReadable();
        }

        var isRead = reader.Check(description, Array.ConvertAll(Files, file => file.ImagePath));
        var readable = Files.Where((_, index) => isRead[index]).ToArray();
        return readable.Length > 0
            ? new LabeledImages(Folder, readable, HasSeveralLabels)
            : throw NoneReadable();
    }

    /// <summary>Makes the exception for images none of which can be read.</summary>
    public InvalidDataException NoneReadable() => new($"None of the {Files.Length:n0} images in '{Folder}' can be read.");

    /// <summary>Finds how long the shorter side of the first images of shards is, in pixels; 0 where one cannot be read.</summary>
    public IEnumerable<int> ShorterSides(int most)
    {
        var shards = new MLContext().Data.LoadImageShards(Folder, Shards);
        using var cursor = shards.GetRowCursor([shards.Schema["Image"]]);
        var getImage = cursor.GetGetter<MLImage>(shards.Schema["Image"]);
        var image = default(MLImage)!;
        for (var seen = 0; seen < most && cursor.MoveNext(); seen++)
        {
            var side = 0;
            try
            {
                getImage(ref image);
                side = Math.Min(image.Width, image.Height);
            }
            catch (InvalidDataException)
            {
            }

            yield return side;
        }

        image?.Dispose();
    }

    /// <summary>Takes some of the images, spread evenly, and of each class at least two.</summary>
    public LabeledImages Some(int count)
    {
        var share = Math.Min(1, (double)count / Files.Length);
        return new LabeledImages(
            Folder,
            [
                .. Files.GroupBy(file => file.Label).SelectMany(images =>
                {
                    var all = images.ToArray();
                    var wanted = Math.Min(all.Length, Math.Max(2, (int)Math.Ceiling(share * all.Length)));
                    return Enumerable.Range(0, wanted).Select(i => all[(int)((long)i * all.Length / wanted)]);
                }),
            ],
            HasSeveralLabels);
    }

    private IDataView LabelNames(MLContext ml) => ml.Data.LoadFromEnumerable(Classes.Select(name => new LabelName { Name = name }));

    private static ImmutableArray<string> ClassesOf(ImageFolderRow[] files, bool severalLabels) => severalLabels
        ? [.. files.SelectMany(file => LabelList.Labels(file.Label)).Distinct().Order(StringComparer.Ordinal)]
        : [.. files.Select(file => file.Label).Distinct()];

    internal sealed class LabelName
    {
        public string Name { get; set; } = "";
    }

    internal sealed class ShardSampleName
    {
        public string ImagePath { get; set; } = "";
    }
}
