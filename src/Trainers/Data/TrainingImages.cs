using System.Collections.Immutable;
using System.Numerics;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Loop;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>The images of a run, decoded: those to train on, those to validate on, and how pixels become the network's input.</summary>
internal sealed record TrainingImages<T>(ImageSet<T> Training, ImageSet<T> Validation, ImagePreprocessing Preprocessing, int Skipped) : IDisposable
    where T : unmanaged, INumberBase<T>
{
    // Enough to know how large the images usually are.
    private const int SizeSample = 31;

    private const int MaximumSupersampling = 4;

    /// <summary>Gets where the images are kept; it is disposed of with them.</summary>
    /// <value>The default is <see langword="null"/>: images in memory need no care.</value>
    public ImageStore<T>? Store { get; init; }

    public static TrainingImages<T> Read(
        IHostEnvironment environment, IDataView data, IDataView? validationData, TrainingColumns columns, ResNetTrainer.Options options, int seed, TrainingReporter reporter)
    {
        var rows = RowReader.Read(data, columns, reporter, "training");
        RowReader.CheckClasses(rows, columns);
        var heldOut = validationData is not null || options.ValidationFraction == 0
            ? null
            : StratifiedSplit.Draw([.. rows.Select(row => row.Label)], options.ValidationFraction, new Random(SeedMixer.Mix(seed, SeedUse.Split)));

        var decoder = new ImageDecoder(options.MaxImagePixels, options.ApplyExifOrientation);
        var isImage = columns.Image.Source == PixelSource.Image;
        var geometry = Geometry(isImage ? CheckedImageView.Of(environment, data, columns.Image.Name, decoder) : data, columns.Image, rows, options);
        var scale = KeptScale(options.AugmentationFor(columns.Image.Shape)) * Math.Max(1, options.Recipe.ImageScales.Max());
        var store = ImageStore<T>.For(options, files: isImage ? () => new FileImages<T>(environment, columns.Image, geometry, scale ?? 1, decoder) : null);
        try
        {
            var reader = new ImageReader<T>(environment, columns.Image, geometry, scale ?? 1, store, options.OnBadImage, decoder, options.CancellationToken);
            var entries = reader.Read(data, rows, whole: row => scale is not null && heldOut?[row] != true);
            var training = new ImageSet<T>(store, Where(entries, row => heldOut?[row] != true));
            var validation = new ImageSet<T>(store, heldOut is null ? [] : Where(entries, row => heldOut[row]));
            var skipped = entries.Length - training.Count - validation.Count;
            if (validationData is not null)
            {
                var validationRows = RowReader.Read(validationData, columns, reporter, "validation");
                validation = new ImageSet<T>(store, Where(reader.Read(validationData, validationRows, whole: _ => false), _ => true));
                skipped += validationRows.Length - validation.Count;
            }

            Check(training, skipped, columns, reporter);
            if (decoder.TurnedFile is { } turned)
            {
                reporter.Warn(
                    $"Some photographs, such as '{turned}', are stored turned, and their EXIF orientation is ignored, as ML.NET ignores it. "
                    + "Set ApplyExifOrientation to train on upright ones, where those that are scored will be upright too.");
            }

            if (store.FileCount > 0)
            {
                reporter.Warn($"{store.FileCount} of {training.Count + validation.Count} images fit neither into CacheBytes nor on the disk, and are decoded anew in each epoch, which is slower. Raise CacheBytes, or set CheckpointFolder to a folder on a larger disk.");
            }

            var preprocessing = Normalized(geometry, training, options);
            store.ReleasePages();

            // .NET would keep what reading left behind, hundreds of megabytes, for as long as it trains: training makes too little garbage
            // to be collected.
#pragma warning disable RS0030 // once, between reading and training
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
#pragma warning restore RS0030
            return new TrainingImages<T>(training, validation, preprocessing, skipped) { Store = store };
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    public void Dispose() => Store?.Dispose();

    private static void Check(ImageSet<T> training, int skipped, TrainingColumns columns, TrainingReporter reporter)
    {
        if (skipped > 0)
        {
            reporter.Warn($"{skipped} images could not be read, and are left out.");
            RowReader.CheckClasses(training.Entries.ToArray().Select(image => new LabeledRow(default, image.Label, image.Weight)), columns);
        }

        if (training.Count < 2)
        {
            throw new InvalidOperationException("Batch normalization needs at least two training images.");
        }
    }

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

    // How large whole images are kept, relative to the network's input; null where images are augmented from the input's own size.
    private static double? KeptScale(ImageAugmentation augmentation) => augmentation switch
    {
        ImageAugmentation.ResizedCropAndFlip => ResizedCropAndFlip.KeptScale,
        ImageAugmentation.ScaleJitter => ScaleJitterCropAndFlip.KeptScale,
        _ => null,
    };

    // What must be known before images are read: everything but the mean and the deviation, which are measured on what was read.
    private static ImagePreprocessing Geometry(IDataView data, ImageColumn image, LabeledRow[] rows, ResNetTrainer.Options options)
    {
        ImmutableArray<float> ones = [.. Enumerable.Repeat(1f, image.Shape.Channels)];
        return new ImagePreprocessing(image.Shape, ones, ones)
        {
            CropBorder = image.Source == PixelSource.Image && options.InitialWeights?.Preprocessing is { } trained && trained.Input == image.Shape ? trained.CropBorder : 0,
            Supersampling = image.Source == PixelSource.Image ? ChooseSupersampling(data, image, rows, options.CancellationToken) : 1,
        };
    }

    // The options' own, or those that the initial weights were trained with, or measured.
    private static ImagePreprocessing Normalized(ImagePreprocessing geometry, ImageSet<T> training, ResNetTrainer.Options options)
    {
        var statistics = options switch
        {
            { PixelMean: { } given, PixelStandardDeviation: { } deviation } => new PixelStatistics(given, deviation),
            { InitialWeights.Preprocessing: { } trained } when trained.Input == geometry.Input || trained.Mean.Length == geometry.Input.Channels => new PixelStatistics(trained.Mean, trained.StandardDeviation),
            _ => PixelStatistics.Measure(training, geometry.Input.Channels),
        };
        var mean = options is { PixelMean: null, Recipe.MeanSubtraction: MeanSubtraction.PerPixel } && statistics.Mean.Length == geometry.Input.Channels
            ? PixelStatistics.MeasureMeanImage(training, geometry.Input)
            : statistics.Mean;
        return (geometry with { Mean = mean, StandardDeviation = statistics.StandardDeviation }).Validated();
    }

    // The largest multiple of the network's input that a usual image covers: of some images from all over the data, the median.
    private static int ChooseSupersampling(IDataView data, ImageColumn image, LabeledRow[] rows, CancellationToken cancellation)
    {
        var step = Math.Max(1, rows.Length / SizeSample);
        LabeledRow[] sample = [.. rows.Where((_, place) => place % step == 0).Take(SizeSample)];

        LabeledRow[] spread = [.. sample.Where((_, i) => i % 2 == 0), .. sample.Where((_, i) => i % 2 != 0)];

        // More than half of them decide: where they agree, the others cannot move the median.
        var (multiples, enough, most) = (new List<int>(), sample.Length / 2 + 1, 0);
        for (var next = 0; next < spread.Length && most < enough;)
        {
            var count = Math.Min(enough - most, spread.Length - next);
            multiples.AddRange(Multiples(data, image, spread[next..(next + count)], cancellation));
            most = multiples.GroupBy(multiple => multiple).Select(group => group.Count()).DefaultIfEmpty().Max();
            next += count;
        }

        return multiples.Count == 0 ? 1 : multiples.Order().ElementAt(multiples.Count / 2);
    }

    private static List<int> Multiples(IDataView data, ImageColumn image, LabeledRow[] rows, CancellationToken cancellation)
    {
        var (column, multiples) = (data.Schema[image.Name], new int[rows.Length]);
        new SharedRows(data, [column], rows, cancellation).Read(cursor =>
        {
            var (getImage, pixels) = (cursor.GetGetter<MLImage>(column), default(MLImage)!);
            return place =>
            {
                try
                {
                    getImage(ref pixels);
                    var ratio = Math.Min((double)pixels.Height / image.Shape.Height, (double)pixels.Width / image.Shape.Width);
                    multiples[place] = Math.Clamp((int)ratio, 1, MaximumSupersampling);
                }
                catch (Exception exception) when (exception is not OperationCanceledException)
                {
                    pixels = null!; // reading will find it again, and knows what to say
                }
            };
        });
        return [.. multiples.Where(multiple => multiple > 0)];
    }
}
