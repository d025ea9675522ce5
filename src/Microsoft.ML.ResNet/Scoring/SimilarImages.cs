using System.Collections.Immutable;
using System.Numerics.Tensors;
using Microsoft.ML.ResNet.Files;
using Microsoft.ML.ResNet.Scoring;

namespace Microsoft.ML.ResNet;

/// <summary>Images to search by likeness: the files of a collection, and a network's features of each.</summary>
/// <remarks>
/// <para>
/// Likeness is the cosine between features, computed for every image of the collection: the answer is exact, and takes a few milliseconds
/// for 10,000 images. What is alike, the network decides: one that was trained on many kinds of image tells most.
/// </para>
/// <code>
/// using var predictor = ResNetPredictor.Load("model.zip");
/// var images = SimilarImages.Of(predictor, Directory.EnumerateFiles("photos", "*.jpg"));
/// foreach (var found in images.Find(predictor.Embed("holiday.jpg"), count: 5))
///     Console.WriteLine($"{found.Similarity:f3} {found.Path}");
/// </code>
/// <para>Search with features of the network that the collection was made with: those of another one say nothing.</para>
/// </remarks>
public sealed class SimilarImages
{
    /// <summary>What <see cref="FindDuplicates"/> takes for the same picture, if nothing else is said.</summary>
    /// <value>0.98: a picture that was resized, compressed again or cut at its edges; rarely two of one scene.</value>
    public const float DuplicateSimilarity = 0.98f;

    // Fewer are searched sooner than threads are started.
    private const int ImagesPerThread = 4096;

    private readonly float[] _directions; // the features of all images, of length 1 each
    private readonly bool[] _hasDirection; // features that are all zero have none, and are like nothing

    internal SimilarImages(ImmutableArray<string> paths, float[] directions, int featureCount)
    {
        (Paths, FeatureCount, _directions) = (paths, featureCount, directions);
        _hasDirection = new bool[paths.Length];
        for (var i = 0; i < paths.Length; i++)
        {
            _hasDirection[i] = Direction(i).ContainsAnyExcept(0f);
        }
    }

    /// <summary>Gets the files.</summary>
    /// <value>As they were given, in their order.</value>
    public ImmutableArray<string> Paths { get; }

    /// <summary>Gets the number of features of an image.</summary>
    /// <value>That of the network; 0 for a collection without images.</value>
    public int FeatureCount { get; }

    internal ReadOnlySpan<float> Directions => _directions;

    /// <summary>Makes a collection of image files.</summary>
    /// <param name="predictor">The network that computes the features.</param>
    /// <param name="paths">The files.</param>
    /// <param name="skipBadImage">
    /// Told of each file that cannot be read, and why; the rest go on. Null to stop at the first, with an exception that names it.
    /// </param>
    /// <param name="cancellationToken">Stops between two images.</param>
    /// <returns>The collection, in memory: 2 kB for an image, with ResNet-18.</returns>
    public static SimilarImages Of(
        ResNetPredictor predictor,
        IEnumerable<string> paths,
        Action<string, Exception>? skipBadImage = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(predictor);
        return Of(predictor.EmbedMany(paths, skipBadImage, cancellationToken));
    }

    /// <summary>Makes a collection of features.</summary>
    /// <param name="embeddings">The files and their features, all of one network.</param>
    /// <returns>The collection.</returns>
    /// <exception cref="ArgumentException">Features differ in number, or are not finite.</exception>
    public static SimilarImages Of(IEnumerable<ImageEmbedding> embeddings)
    {
        ArgumentNullException.ThrowIfNull(embeddings);
        var paths = ImmutableArray.CreateBuilder<string>();
        var (directions, featureCount) = (Array.Empty<float>(), 0);
        foreach (var (path, features) in embeddings)
        {
            featureCount = paths.Count == 0 ? features.Length : featureCount;
            if (features.Length != featureCount || featureCount == 0)
            {
                throw new ArgumentException(
                    $"Image '{path}' has {features.Length:n0} features, but the first has {featureCount:n0}: they must be of one network.",
                    nameof(embeddings));
            }

            var start = checked(paths.Count * featureCount);
            if (directions.Length < start + featureCount)
            {
                Array.Resize(ref directions, (int)Math.Min(Array.MaxLength, Math.Max(64L * featureCount, 2L * directions.Length)));
            }

            if (!TryNormalize(features, directions.AsSpan(start, featureCount)))
            {
                throw new ArgumentException($"The features of image '{path}' are not finite numbers.", nameof(embeddings));
            }

            paths.Add(path);
        }

        Array.Resize(ref directions, paths.Count * featureCount);
        return new SimilarImages(paths.ToImmutable(), directions, featureCount);
    }

    /// <summary>Reads a collection that <see cref="Save"/> wrote.</summary>
    /// <remarks>Files need not be trusted: every size is checked before memory is taken.</remarks>
    /// <param name="path">The file.</param>
    /// <returns>The collection.</returns>
    /// <exception cref="InvalidDataException">The file is no collection, is damaged, or is of a later version.</exception>
    /// <exception cref="IOException">The file cannot be read, or is a pipe or a device.</exception>
    public static SimilarImages Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using var file = RegularFile.OpenRead(path);
        try
        {
            return SimilarImagesFile.Read(file);
        }
        catch (Exception exception) when (exception is InvalidDataException or EndOfStreamException)
        {
            var found = exception is InvalidDataException ? exception.Message.TrimEnd('.') : "it ends too early";
            throw new InvalidDataException($"'{path}' is no collection of similar images that can be read: {found}.", exception);
        }
    }

    /// <summary>Writes the collection to a file.</summary>
    /// <param name="path">The file to write; an existing one is replaced, once the new one is whole.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Save(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        WholeFile.Write(path, stream => SimilarImagesFile.Write(stream, this));
    }

    /// <summary>Finds the images that are most like one.</summary>
    /// <param name="features">Its features: <see cref="ResNetPredictor.Embed(string)"/>.</param>
    /// <param name="count">How many are wanted; of a smaller collection all are given.</param>
    /// <returns>The images, the most similar first; of equals, the one that comes first in <see cref="Paths"/>.</returns>
    /// <exception cref="ArgumentException">The features are not of this collection's network, or are not finite.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The number is not positive.</exception>
    public ImmutableArray<SimilarImage> Find(ReadOnlySpan<float> features, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        if (Paths.IsEmpty)
        {
            return [];
        }

        var direction = new float[FeatureCount];
        if (features.Length != FeatureCount)
        {
            throw new ArgumentException(
                $"There are {features.Length:n0} features, but the collection was made with a network that computes {FeatureCount:n0}.",
                nameof(features));
        }

        if (!TryNormalize(features, direction))
        {
            throw new ArgumentException("The features are not finite numbers.", nameof(features));
        }

        var similarities = new float[Paths.Length];
        Compare(direction, similarities);
        return
        [
            .. Enumerable.Range(0, similarities.Length).OrderByDescending(i => similarities[i]).Take(count)
                .Select(i => new SimilarImage(Paths[i], similarities[i])),
        ];
    }

    /// <summary>Finds the images that are in another collection too, or something that looks the same.</summary>
    /// <remarks>Test images that are among the training images spoil a test: the network knows their answer by heart.</remarks>
    /// <param name="others">The other collection, such as the training images.</param>
    /// <param name="similarity">How similar two must be, above 0 to 1; <see cref="DuplicateSimilarity"/> is a good choice.</param>
    /// <returns>For each image of this collection that has one, the most similar of the others; the most similar pair first.</returns>
    /// <exception cref="ArgumentException">The collections were made with networks of different numbers of features.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The similarity is not above 0 and at most 1.</exception>
    public ImmutableArray<NearDuplicate> FindDuplicates(SimilarImages others, float similarity)
    {
        ArgumentNullException.ThrowIfNull(others);
        if (!(similarity > 0 && similarity <= 1))
        {
            throw new ArgumentOutOfRangeException(
                nameof(similarity), similarity, $"similarity must be above 0 and at most 1, but is {similarity}.");
        }

        if (Paths.IsEmpty || others.Paths.IsEmpty)
        {
            return [];
        }

        if (others.FeatureCount != FeatureCount)
        {
            throw new ArgumentException(
                $"The collections have {FeatureCount:n0} and {others.FeatureCount:n0} features: they must be of one network.",
                nameof(others));
        }

        var found = new NearDuplicate?[Paths.Length];
        Parallel.For(0, Paths.Length, i =>
        {
            var (best, at) = (float.NegativeInfinity, -1);
            for (var j = 0; j < others.Paths.Length && _hasDirection[i]; j++)
            {
                var cosine = TensorPrimitives.Dot(Direction(i), others.Direction(j));
                (best, at) = cosine > best && others._hasDirection[j] ? (cosine, j) : (best, at);
            }

            if (at >= 0 && best >= similarity)
            {
                found[i] = new NearDuplicate(Paths[i], others.Paths[at], Math.Min(best, 1));
            }
        });
        return [.. found.OfType<NearDuplicate>().OrderByDescending(pair => pair.Similarity)];
    }

    // Divided by the largest first, or squares of large features would be infinite.
    private static bool TryNormalize(ReadOnlySpan<float> features, Span<float> direction)
    {
        var largest = Math.Abs(TensorPrimitives.MaxMagnitude(features)); // NaN if one of them is
        if (!float.IsFinite(largest))
        {
            return false;
        }

        direction.Clear();
        if (largest != 0)
        {
            TensorPrimitives.Divide(features, largest, direction);
            TensorPrimitives.Divide(direction, TensorPrimitives.Norm(direction), direction);
        }

        return true;
    }

    private ReadOnlySpan<float> Direction(int image) => _directions.AsSpan(image * FeatureCount, FeatureCount);

    private void Compare(float[] direction, float[] similarities)
    {
        var parts = Math.Clamp(Paths.Length / ImagesPerThread, 1, Environment.ProcessorCount);
        Parallel.For(0, parts, part =>
        {
            var end = (int)((part + 1L) * Paths.Length / parts);
            for (var i = (int)((long)part * Paths.Length / parts); i < end; i++)
            {
                similarities[i] = Math.Clamp(TensorPrimitives.Dot(direction, Direction(i)), -1, 1);
            }
        });
    }
}
