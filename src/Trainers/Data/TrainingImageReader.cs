using System.Collections.Immutable;
using System.Numerics;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Trainers.Distributed;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>Reads the images of a run, and measures the mean and deviation for their preprocessing.</summary>
/// <typeparam name="T">byte, or float for vectors of floats.</typeparam>
/// <param name="environment">ML.NET's environment.</param>
/// <param name="columns">The columns to read.</param>
/// <param name="cache">The memory and disk space that decoded images may use.</param>
/// <param name="decoder">What decodes files.</param>
/// <param name="warn">Called with each warning: of images that are left out, or of what makes training slow.</param>
internal sealed class TrainingImageReader<T>(
    IHostEnvironment environment, TrainingColumns columns, CacheLimits cache, ImageDecoder decoder, Action<string> warn)
    where T : unmanaged, INumberBase<T>
{
    private const int NamedSkipped = 10; // as many as a warning names

    /// <summary>Of images that are streamed, how many from the first on are looked at to see how large they are.</summary>
    private const int StreamedSample = 1_000;

    /// <summary>At this size and below, photographs cannot be told apart well.</summary>
    private const int LargestSmallInput = 64;

    /// <summary>Images this many times as large as the input are photographs, and not small images that are a little too large.</summary>
    private const int MuchLarger = 8;

    private readonly LabelSets? _labelSets = columns.Label.IsMultilabel ? new LabelSets(columns.Label.ClassCount) : null;

    /// <summary>
    /// Gets the shorter side that training images are kept at, relative to the network's input; null for the input's own size.
    /// </summary>
    public double? KeptScale { get; init; }

    /// <summary>Gets what to do with images that cannot be read.</summary>
    public BadImageHandling OnBadImage { get; init; }

    /// <summary>Gets the mean and deviation that the user gives; null to take those of the weights, or to measure them.</summary>
    public PixelStatistics? GivenStatistics { get; init; }

    /// <summary>Gets the preprocessing that the starting weights were trained with; null for none.</summary>
    public ImagePreprocessing? EarlierPreprocessing { get; init; }

    /// <summary>Gets whether the network starts from random weights.</summary>
    public bool StartsFromRandomWeights { get; init; }

    /// <summary>Gets which mean is subtracted, where none is given.</summary>
    public MeanSubtraction MeanSubtraction { get; init; }

    /// <summary>Gets where training images are read from anew in each epoch.</summary>
    /// <value>The default is <see langword="null"/>: they are kept.</value>
    public ShardSource? Streamed { get; init; }

    /// <summary>Gets the ranks that share the images out: each reads and keeps some of them.</summary>
    /// <value>The default is this one alone, which reads all.</value>
    public ICollective Ranks { get; init; } = Alone.Instance;

    /// <summary>Gets the token that stops reading.</summary>
    public CancellationToken CancellationToken { get; init; }

    /// <summary>Reads training images, and holds some of them out for validation.</summary>
    /// <param name="data">The images.</param>
    /// <param name="validationFraction">The share of each class to hold out; 0 for none.</param>
    /// <param name="seed">The run's seed, which decides which images are held out.</param>
    public TrainingImages<T> Read(IDataView data, double validationFraction, int seed)
    {
        var rows = ReadRows(data);
        var heldOut = validationFraction == 0
            ? null
            : StratifiedSplit.Draw(
                [.. rows.Select(row => row.Label)], _labelSets, validationFraction, new Random(SeedMixer.Mix(seed, SeedUse.Split)));
        return Read(data, rows, (reader, store, spread, stream) =>
        {
            var entries = stream is null
                ? Read(reader, data, rows, "training", spread, row => KeptScale is not null && heldOut?[row] != true)
                : ReadOnce(stream, rows, store, spread, heldOut);
            var training = TrainingOf(rows, entries, row => heldOut?[row] != true, store, spread, stream);
            var validation = new ImageSet<T>(store, heldOut is null ? [] : Where(entries, row => heldOut[row]), spread);
            return new Parts(training, validation, entries.Length - training.Count - validation.Count)
            {
                ValidationRows = heldOut is null ? [] : Numbers(rows, entries, row => heldOut[row]),
            };
        });
    }

    /// <summary>Reads training images, and other images for validation.</summary>
    public TrainingImages<T> Read(IDataView data, IDataView validationData)
    {
        var rows = ReadRows(data);
        return Read(data, rows, (reader, store, spread, stream) =>
        {
            var entries = stream is null
                ? Read(reader, data, rows, "training", spread, _ => KeptScale is not null)
                : ReadOnce(stream, rows, store, spread, heldOut: null);
            var training = TrainingOf(rows, entries, _ => true, store, spread, stream);
            var validationRows = RowReader.Read(validationData, columns, _labelSets, "validation", warn);
            var validationEntries = Read(reader, validationData, validationRows, "validation", spread, _ => false);
            var validation = new ImageSet<T>(store, Where(validationEntries, _ => true), spread);
            return new Parts(training, validation, entries.Length - training.Count + validationRows.Length - validation.Count)
            {
                ValidationRows = Numbers(validationRows, validationEntries, _ => true),
            };
        });
    }

    private LabeledRow[] ReadRows(IDataView data)
    {
        var rows = RowReader.Read(data, columns, _labelSets, "training", warn);
        RowReader.CheckClasses(rows, columns, _labelSets);
        return Streamed is null ? rows : StreamedImages<T>.InOrder(rows);
    }

    private TrainingImages<T> Read(
        IDataView data,
        LabeledRow[] rows,
        Func<ImageReader<T>, ImageStore<T>, SpreadImages<T>?, StreamedImages<T>?, Parts> read)
    {
        var spread = Ranks.Size == 1 ? null : new SpreadImages<T>(Ranks);
        var isImage = columns.Image.Source == PixelSource.Image;
        var sample = isImage
            ? Supersampling.Choose(
                CheckedImageView.Of(environment, data, columns.Image.Name, decoder),
                columns.Image,
                Streamed is null ? rows : rows[..Math.Min(StreamedSample, rows.Length)],
                CancellationToken)
            : ImageSample.None;
        WarnOfSmallInput(sample);
        var geometry = Geometry(sample.Supersampling);
        var scale = KeptScale ?? 1;
        var store = ImageStore<T>.Within(
            cache, files: isImage ? () => new SourceFiles<T>(environment, columns.Image, geometry, scale, decoder) : null);
        var reader = new ImageReader<T>(environment, columns.Image, geometry, scale, store, OnBadImage, decoder, CancellationToken);
        var stream = Streamed is null
            ? null
            : new StreamedImages<T>(Streamed, reader.Open, columns.Image.Shape.Channels, CancellationToken);
        try
        {
            var parts = read(reader, store, spread, stream);
            var (training, validation, skipped) = parts;
            spread?.Hold(training, validation);
            var failures = string.Join('\0', (stream?.Skipped ?? []).Concat(reader.Skipped));
            Check(training, [.. Ranks.All(failures).SelectMany(Messages)]);
            WarnOfFiles(store, training.Count + validation.Count);
            var preprocessing = Normalized(geometry, training);
            store.ReleasePages();

            // .NET would keep what reading left behind, hundreds of megabytes, for as long as it trains: training makes too little garbage
            // to be collected.
#pragma warning disable RS0030 // once, between reading and training
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
#pragma warning restore RS0030
            return new TrainingImages<T>(training, validation, preprocessing, skipped)
            {
                Store = store,
                Folder = sample.Folder,
                LabelSets = _labelSets,
                ValidationRows = parts.ValidationRows,
            };
        }
        catch
        {
            stream?.Dispose();
            store.Dispose();
            throw;
        }
    }

    private ImageSet<T> TrainingOf(
        LabeledRow[] rows,
        ImageEntry[] entries,
        Func<int, bool> isWanted,
        ImageStore<T> store,
        SpreadImages<T>? spread,
        StreamedImages<T>? stream)
    {
        var wanted = Where(entries, isWanted);
        stream?.Hold(rows.Where((_, place) => entries[place].IsRead && isWanted(place)), wanted);
        return new ImageSet<T>(store, wanted, stream is null ? spread : null, stream);
    }

    // Images that are streamed are decoded once before, and those that are held out kept. Ranks share that work out.
    private ImageEntry[] ReadOnce(
        StreamedImages<T> stream, LabeledRow[] rows, ImageStore<T> store, SpreadImages<T>? spread, bool[]? heldOut)
    {
        CheckSameRows(rows, "training");
        var own = SpreadImages<T>.RowsOf(Ranks.Rank, Ranks.Size, rows.Length);
        var entries = stream.ReadOnce(rows, own, whole: KeptScale is not null, row => heldOut?[row] == true ? Keep : null);
        spread?.Complete(rows, entries);
        stream.AddUp(Ranks);
        return entries;

        ImageEntry Keep(StoredImage<T> image) =>
            store.TryAdd(in image) ?? throw store.NoRoom("The share of the images of the shards that is held out for validation");
    }

    // Where ranks share the rows out, those of this one; what the others know of theirs, they tell.
    private ImageEntry[] Read(
        ImageReader<T> reader, IDataView data, LabeledRow[] rows, string purpose, SpreadImages<T>? spread, Func<int, bool> whole)
    {
        if (spread is null)
        {
            return reader.Read(data, rows, whole);
        }

        CheckSameRows(rows, purpose);
        var (start, count) = SpreadImages<T>.RowsOf(Ranks.Rank, Ranks.Size, rows.Length).GetOffsetAndLength(rows.Length);
        var entries = new ImageEntry[rows.Length];
        if (count > 0)
        {
            reader.Read(data, rows[start..(start + count)], row => whole(start + row)).CopyTo(entries, start);
        }

        spread.Complete(rows, entries);
        return entries;
    }

    private void CheckSameRows(LabeledRow[] rows, string purpose) =>
        Ranks.CheckSameData(rows.Length, purpose, string.Join(' ', rows.Select(row => row.Label)));

    private static string[] Messages(string text) => text.Split('\0', StringSplitOptions.RemoveEmptyEntries);

    private void Check(ImageSet<T> training, string[] skipped)
    {
        if (skipped.Length > 0)
        {
            var rest = skipped.Length > NamedSkipped ? $" … and {skipped.Length - NamedSkipped} more." : "";
            var count = skipped.Length == 1
                ? "1 image could not be read, and is left out."
                : $"{skipped.Length} images could not be read, and are left out.";
            warn($"{count} {string.Join(' ', skipped.Take(NamedSkipped))}{rest}");
            RowReader.CheckClasses(
                training.Entries.ToArray().Select(image => new LabeledRow(default, image.Label, image.Weight)), columns, _labelSets);
        }

        if (training.Count < 2)
        {
            throw new InvalidOperationException("Batch normalization needs at least two training images.");
        }
    }

    // He et al. trained networks for 32 pixels on images of 32 pixels: of a photograph, too little is left at that size.
    private void WarnOfSmallInput(ImageSample sample)
    {
        var input = Math.Max(columns.Image.Shape.Height, columns.Image.Shape.Width);
        if (!StartsFromRandomWeights || input > LargestSmallInput || sample.LargerSide < MuchLarger * input)
        {
            return;
        }

        warn(
            $"The images are about {sample.LargerSide} pixels large, "
            + $"but the network reads {columns.Image.Shape.Height}×{columns.Image.Shape.Width} and starts from random weights: "
            + "at that size little is left of a photograph, and a network learns little from few of them. "
            + """Start from a pretrained network (Pretrained = "resnet18"), or choose a larger InputShape, such as 3×128×128.""");
    }

    private void WarnOfFiles(ImageStore<T> store, int imageCount)
    {
        if (Ranks.All(decoder.TurnedFile ?? "").FirstOrDefault(file => file.Length > 0) is { } turned)
        {
            warn(
                $"Some photographs, such as '{turned}', are stored turned, and their EXIF orientation is ignored, as ML.NET ignores it. "
                + "Set ApplyExifOrientation to train on upright ones, where those that are scored will be upright too.");
        }

        if (store.FileCount > 0)
        {
            warn(
                $"{store.FileCount} of {imageCount} images fit neither into CacheBytes nor on the disk, "
                + "and are decoded anew in each epoch, which is slower. "
                + "Raise CacheBytes, or set CheckpointFolder to a folder on a larger disk.");
        }
    }

    // What must be known before images are read: everything but the mean and the deviation, which are measured on what was read.
    private ImagePreprocessing Geometry(int supersampling)
    {
        var image = columns.Image;
        var isImage = image.Source == PixelSource.Image;
        ImmutableArray<float> ones = [.. Enumerable.Repeat(1f, image.Shape.Channels)];
        return new ImagePreprocessing(image.Shape, ones, ones)
        {
            CropBorder = isImage && EarlierFor(image.Shape) is { } earlier ? earlier.CropBorder : 0,
            Supersampling = supersampling,
        };
    }

    private ImagePreprocessing Normalized(ImagePreprocessing geometry, ImageSet<T> training)
    {
        var statistics = GivenStatistics
            ?? (EarlierFor(geometry.Input) is { } earlier
                ? new PixelStatistics(earlier.Mean, earlier.StandardDeviation)
                : PixelStatistics.Measure(training, geometry.Input.Channels));
        var isPerPixel = GivenStatistics is null
            && MeanSubtraction == MeanSubtraction.PerPixel
            && statistics.Mean.Length == geometry.Input.Channels;
        var mean = isPerPixel ? PixelStatistics.MeasureMeanImage(training, geometry.Input) : statistics.Mean;
        return (geometry with { Mean = mean, StandardDeviation = statistics.StandardDeviation }).Validated();
    }

    private ImagePreprocessing? EarlierFor(ImageShape shape) =>
        EarlierPreprocessing is { } earlier && earlier.Input.Channels == shape.Channels ? earlier.ForInput(shape) : null;

    private static ImmutableArray<long> Numbers(LabeledRow[] rows, ImageEntry[] entries, Func<int, bool> isWanted) =>
        [.. rows.Where((_, place) => entries[place].IsRead && isWanted(place)).Select(row => row.Number)];

    // Those that were read, of the rows wanted. Where that is all of them, nothing is copied.
    private static ImageEntry[] Where(ImageEntry[] entries, Func<int, bool> isWanted)
    {
        var count = entries.Where((entry, row) => entry.IsRead && isWanted(row)).Count();
        if (count == entries.Length)
        {
            return entries;
        }

        var (wanted, next) = (new ImageEntry[count], 0);
        for (var row = 0; row < entries.Length; row++)
        {
            if (entries[row].IsRead && isWanted(row))
            {
                wanted[next++] = entries[row];
            }
        }

        return wanted;
    }

    private sealed record Parts(ImageSet<T> Training, ImageSet<T> Validation, int Skipped)
    {
        public ImmutableArray<long> ValidationRows { get; init; } = [];
    }
}
