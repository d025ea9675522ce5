using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet;

namespace Cli;

/// <summary>Reads images one after another. One that cannot be read is named on standard error, and the rest go on.</summary>
internal sealed class ImageReader(long? maxPixels, bool exifOrientation, Terminal terminal, CancellationToken cancellation)
{
    /// <summary>Gets the most pixels of an image.</summary>
    public long? MaxPixels => maxPixels;

    /// <summary>Gets whether photographs are turned as their EXIF orientation says.</summary>
    public bool ExifOrientation => exifOrientation;

    /// <summary>Gets whether one that cannot be read is the end.</summary>
    /// <value>The default is false: the rest go on.</value>
    public bool FailsOnBadImage { get; init; }

    /// <summary>Gets the images that could not be read.</summary>
    public int Failed { get; private set; }

    /// <summary>Gets what the command came to: a failure if an image could not be read.</summary>
    public int ExitCode => Failed == 0 ? Cli.ExitCode.Success : Cli.ExitCode.Failure;

    /// <summary>Applies a function to the images, and shows how far it is.</summary>
    /// <param name="description">What is done.</param>
    /// <param name="paths">The images.</param>
    /// <param name="apply">Is given the index of a path, and its image, which is gone afterwards.</param>
    /// <exception cref="InvalidDataException">An image cannot be read, and that is to be the end.</exception>
    public void ForEach(string description, IReadOnlyList<string> paths, Action<int, MLImage> apply) => terminal.Track(description, bar =>
    {
        bar?.MaxValue = paths.Count;
        foreach (var (index, path) in paths.Index())
        {
            cancellation.ThrowIfCancellationRequested();
            using var image = Read(path, out var failure);
            if (image is not null)
            {
                apply(index, image);
            }
            else
            {
                Fail(failure!);
            }

            bar?.Increment(1);
        }

        return paths.Count;
    });

    /// <summary>Decodes images on all cores, and shows how far it is. Those that cannot be read are named in their order.</summary>
    /// <param name="description">What is done.</param>
    /// <param name="paths">The images.</param>
    /// <returns>Whether each can be read.</returns>
    /// <exception cref="InvalidDataException">An image cannot be read, and that is to be the end.</exception>
    public bool[] Check(string description, IReadOnlyList<string> paths) => terminal.Track(description, bar =>
    {
        bar?.MaxValue = paths.Count;
        var checks = paths.AsParallel().AsOrdered().WithCancellation(cancellation).WithMergeOptions(ParallelMergeOptions.NotBuffered)
            .Select(path =>
            {
                using var image = Read(path, out var failure);
                return failure;
            });
        var isRead = new List<bool>(paths.Count);
        foreach (var failure in checks)
        {
            isRead.Add(failure is null);
            if (failure is not null)
            {
                Fail(failure);
            }

            bar?.Increment(1);
        }

        return isRead.ToArray();
    });

    /// <summary>Tells how shards are read: damaged samples are named, and the rest go on.</summary>
    public ImageShardOptions OfShards() => new()
    {
        OnBadImage = FailsOnBadImage ? BadImageHandling.Fail : BadImageHandling.Skip,
        MaxImagePixels = maxPixels,
        ApplyExifOrientation = exifOrientation,
    };

    /// <summary>Applies a function to the images of shards that have a label, and shows how far it is.</summary>
    /// <param name="description">What is done.</param>
    /// <param name="images">The images.</param>
    /// <param name="apply">Is given the label of an image, and the image, which is gone afterwards.</param>
    /// <returns>The names of the samples that have no label, or cannot be read.</returns>
    /// <exception cref="InvalidDataException">An image cannot be read, and that is to be the end.</exception>
    public HashSet<string> ForEach(string description, LabeledImages images, Action<string, MLImage> apply) =>
        terminal.Track(description, bar =>
        {
            bar?.MaxValue = images.Files.Length;
            var unseen = new HashSet<string>(StringComparer.Ordinal);
            var shards = new MLContext().Data.LoadImageShards(images.Folder, images.Shards! with { ClassNames = images.Classes });
            using var cursor = shards.GetRowCursor(shards.Schema);
            var getImage = cursor.GetGetter<MLImage>(shards.Schema["Image"]);
            var getLabel = cursor.GetGetter<uint>(shards.Schema["Label"]);
            var getName = cursor.GetGetter<ReadOnlyMemory<char>>(shards.Schema["ImagePath"]);
            var (image, label, name) = (default(MLImage)!, 0u, default(ReadOnlyMemory<char>));
            while (cursor.MoveNext())
            {
                cancellation.ThrowIfCancellationRequested();
                getLabel(ref label);
                getName(ref name);
                try
                {
                    if (label == 0)
                    {
                        unseen.Add(name.ToString());
                        continue;
                    }

                    getImage(ref image);
                }
                catch (InvalidDataException exception)
                {
                    unseen.Add(name.ToString());
                    Fail(exception.Message); // which names the image
                    continue;
                }

                apply(images.Classes[(int)label - 1], image);
                bar?.Increment(1);
            }

            image?.Dispose();
            return unseen;
        });

    /// <summary>Classifies the images, and shows how far it is.</summary>
    /// <param name="description">What is done.</param>
    /// <param name="paths">The images.</param>
    /// <param name="predictor">The network.</param>
    /// <param name="apply">Is given the index of a path, and what its image was found to be.</param>
    /// <exception cref="InvalidDataException">An image cannot be read, and that is to be the end.</exception>
    public void Predict(string description, IReadOnlyList<string> paths, ResNetPredictor predictor, Action<int, ResNetPrediction> apply)
    {
        if (paths.Contains(ImageInputs.StandardInput))
        {
            ForEach(description, paths, (index, image) => apply(index, predictor.Predict(image)));
            return;
        }

        Many(description, paths, skip => predictor.PredictMany(paths, skip, cancellation), apply);
    }

    /// <summary>Computes the features of the images, and shows how far it is.</summary>
    /// <inheritdoc cref="Predict"/>
    public void Embed(string description, IReadOnlyList<string> paths, ResNetPredictor predictor, Action<int, float[]> apply)
    {
        if (paths.Contains(ImageInputs.StandardInput))
        {
            ForEach(description, paths, (index, image) => apply(index, predictor.Embed(image)));
            return;
        }

        Many(description, paths, skip => predictor.EmbedMany(paths, skip, cancellation), (index, result) => apply(index, result.Features));
    }

    // Results and images that are left out come in the order of the paths.
    private void Many<T>(
        string description,
        IReadOnlyList<string> paths,
        Func<Action<string, Exception>, IEnumerable<T>> score,
        Action<int, T> apply) => terminal.Track(description, bar =>
        {
            bar?.MaxValue = paths.Count;
            var index = 0;
            foreach (var result in score(Skip))
            {
                apply(index++, result);
                bar?.Increment(1);
            }

            return paths.Count;

            void Skip(string path, Exception exception)
            {
                index++;
                Fail(exception.Message); // which names the image
                bar?.Increment(1);
            }
        });

    /// <summary>Counts images that another process could not read, and named.</summary>
    public void AddFailed(int count) => Failed += count;

    private MLImage? Read(string path, out string? failure)
    {
        failure = null;
        try
        {
            if (path != ImageInputs.StandardInput)
            {
                return ResNetImage.Load(path, maxPixels, exifOrientation);
            }

            using var bytes = new MemoryStream();
            using var input = Console.OpenStandardInput();
            input.CopyTo(bytes);
            return ResNetImage.Decode(bytes.GetBuffer().AsSpan(0, (int)bytes.Length), maxPixels, exifOrientation);
        }
        catch (InvalidDataException exception)
        {
            failure = exception.Message; // which names the image
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            failure = $"Image '{path}' cannot be read: {exception.Message.TrimEnd('.')}.";
        }

        return null;
    }

    private void Fail(string message)
    {
        Failed++;
        if (FailsOnBadImage)
        {
            throw new InvalidDataException(message);
        }

        terminal.SayFailure(message);
    }
}
