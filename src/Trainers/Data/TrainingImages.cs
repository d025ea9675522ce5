using System.Numerics;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Scoring;
using Microsoft.ML.ResNet.Trainers.Loop;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>The images of a run, decoded: those to train on, those to validate on, and how pixels become the network's input.</summary>
internal sealed record TrainingImages<T>(StoredImage<T>[] Training, StoredImage<T>[] Validation, ImagePreprocessing Preprocessing, int Skipped)
    where T : unmanaged, INumberBase<T>
{
    // Enough to know how large the images usually are.
    private const int SizeSample = 31;

    private const int MaximumSupersampling = 4;

    public static TrainingImages<T> Read(
        IHostEnvironment environment, IDataView data, IDataView? validationData, TrainingColumns columns, ResNetTrainer.Options options, int seed, TrainingReporter reporter)
    {
        var rows = RowReader.Read(data, columns, reporter, "training");
        RowReader.CheckClasses(rows, columns);
        var heldOut = validationData is not null || options.ValidationFraction == 0
            ? new bool[rows.Length]
            : StratifiedSplit.Draw([.. rows.Select(row => row.Label)], options.ValidationFraction, new Random(SeedMixer.Mix(seed, SeedUse.Split)));

        var supersampling = columns.Image.Source == PixelSource.Image ? ChooseSupersampling(data, columns.Image, rows.Length) : 1;
        var keepWhole = options.AugmentationFor(columns.Image.Shape) == ImageAugmentation.ResizedCropAndFlip;
        var reader = new ImageReader<T>(environment, columns.Image, supersampling, options.OnBadImage, options.CancellationToken);

        var images = reader.Read(data, rows, whole: [.. heldOut.Select(held => keepWhole && !held)]);
        var training = images.Where((image, row) => image is not null && !heldOut[row]).Select(image => image!.Value).ToArray();
        var validation = images.Where((image, row) => image is not null && heldOut[row]).Select(image => image!.Value).ToArray();
        var skipped = images.Count(image => image is null);
        if (validationData is not null)
        {
            var validationRows = RowReader.Read(validationData, columns, reporter, "validation");
            var validationImages = reader.Read(validationData, validationRows, whole: new bool[validationRows.Length]);
            validation = [.. validationImages.OfType<StoredImage<T>>()];
            skipped += validationImages.Length - validation.Length;
        }

        if (skipped > 0)
        {
            reporter.Warn($"{skipped} images could not be read, and are left out.");
            RowReader.CheckClasses(training.Select(image => new LabeledRow(default, image.Label, image.Weight)), columns);
        }

        if (training.Length < 2)
        {
            throw new InvalidOperationException("Batch normalization needs at least two training images.");
        }

        return new TrainingImages<T>(training, validation, MakePreprocessing(training, columns.Image.Shape, supersampling, options), skipped);
    }

    private static ImagePreprocessing MakePreprocessing(StoredImage<T>[] training, ImageShape shape, int supersampling, ResNetTrainer.Options options)
    {
        var statistics = options is { PixelMean: { } mean, PixelStandardDeviation: { } deviation }
            ? new PixelStatistics(mean, deviation)
            : PixelStatistics.Measure<T>(training, shape.Channels);
        return new ImagePreprocessing(shape, statistics.Mean, statistics.StandardDeviation) { Supersampling = supersampling }.Validated();
    }

    // The largest multiple of the network's input that a usual image covers: of some images from all over the data, the median.
    private static int ChooseSupersampling(IDataView data, ImageColumn image, int rowCount)
    {
        var step = Math.Max(1, rowCount / SizeSample);
        var column = data.Schema[image.Name];
        using var cursor = data.GetRowCursor([column]);
        var (getImage, pixels, ratios) = (cursor.GetGetter<MLImage>(column), default(MLImage)!, new List<double>());
        while (ratios.Count < SizeSample && cursor.MoveNext())
        {
            if (cursor.Position % step != 0)
            {
                continue;
            }

            try
            {
                getImage(ref pixels);
                ratios.Add(Math.Min((double)pixels.Height / image.Shape.Height, (double)pixels.Width / image.Shape.Width));
            }
            catch (Exception)
            {
                // Reading will find it again, and knows what to say.
                break;
            }
        }

        return ratios.Count == 0 ? 1 : Math.Clamp((int)ratios.Order().ElementAt(ratios.Count / 2), 1, MaximumSupersampling);
    }
}
