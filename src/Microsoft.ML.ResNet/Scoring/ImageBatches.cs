using System.Runtime.ExceptionServices;
using Microsoft.ML.ResNet.Images;

namespace Microsoft.ML.ResNet.Scoring;

/// <summary>
/// Image files in a sequence as batches of pixels: some are read and decoded at once, on all cores, then ONNX Runtime has all cores for
/// them. The two take turns: threads that decode while others compute would take each other's time and caches.
/// </summary>
internal sealed class ImageBatches
{
    // Beyond so many pixels larger batches gain nothing, and cost memory: 8 images of 224×224.
    private const int EnoughPixels = 8 * 224 * 224;
    private const int LargestBatch = 128;

    // A turn of decoding ends with a core that waits for another: longer turns have fewer ends.
    private const int ImagesPerCore = 16;
    private const int MostBytes = 64 << 20;

    private readonly ServedNetwork _network;
    private readonly ImageDecoder _decoder;
    private readonly int _batch;
    private readonly int _turn;

    public ImageBatches(ServedNetwork network, ImageDecoder decoder)
    {
        (_network, _decoder) = (network, decoder);
        var input = network.Preprocessing.Input;
        _batch = Math.Clamp(EnoughPixels / (input.Height * input.Width), 1, LargestBatch);
        var wanted = Math.Max(_batch, ImagesPerCore * Environment.ProcessorCount);
        _turn = Math.Max(1, Math.Min(wanted, MostBytes / network.ImageSize) / _batch) * _batch;
    }

    /// <summary>Computes the features of the images of files.</summary>
    /// <param name="paths">The files; no more are asked for than the next turn needs.</param>
    /// <param name="skip">Told of each file that cannot be read, in order; null to fail at the first.</param>
    /// <param name="enter">Called before each turn; what it returns is disposed after it.</param>
    /// <param name="result">Makes a result of a path and its features, which are overwritten later.</param>
    /// <param name="cancellation">Stops between two images.</param>
    public IEnumerable<TResult> Run<TResult>(
        IEnumerable<string> paths,
        Action<string, Exception>? skip,
        Func<IDisposable> enter,
        Func<string, ReadOnlyMemory<float>, TResult> result,
        CancellationToken cancellation)
    {
        var pixels = Array.Empty<byte>();
        var features = new float[_turn * _network.FeatureCount];
        var errors = new Exception?[_turn];
        using var source = paths.GetEnumerator();
        for (var turn = _batch; ; turn = _turn) // the first is short: who takes a few results waits for a few
        {
            var files = Take(source, turn);
            if (pixels.Length < files.Count * _network.ImageSize)
            {
                pixels = new byte[files.Count * _network.ImageSize];
            }

            using (enter())
            {
                Decode(files, pixels, errors, failsAtFirst: skip is null, cancellation);
                Score(files.Count, pixels, features, errors, cancellation);
            }

            for (var i = 0; i < files.Count; i++)
            {
                if (errors[i] is { } error)
                {
                    skip!(files[i], error);
                }
                else
                {
                    yield return result(files[i], features.AsMemory(i * _network.FeatureCount, _network.FeatureCount));
                }
            }

            if (files.Count < turn)
            {
                yield break;
            }
        }
    }

    private static List<string> Take(IEnumerator<string> source, int count)
    {
        var taken = new List<string>(count);
        while (taken.Count < count && source.MoveNext())
        {
            taken.Add(source.Current ?? throw new ArgumentException("One of the paths is null.", nameof(source)));
        }

        return taken;
    }

    private void Decode(List<string> files, byte[] pixels, Exception?[] errors, bool failsAtFirst, CancellationToken cancellation)
    {
        var parallel = new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount };
        Parallel.For(0, files.Count, parallel, i =>
        {
            try
            {
                errors[i] = null;
                using var image = _decoder.Load(files[i]);
                _network.ReadPixels(image, pixels.AsSpan(i * _network.ImageSize, _network.ImageSize));
            }
            catch (Exception exception) when (exception is InvalidDataException or IOException or UnauthorizedAccessException
                or ArgumentException)
            {
                errors[i] = BadImage(files[i], exception);
            }
        });
        if (failsAtFirst && errors.AsSpan(0, files.Count).IndexOfAnyExcept((Exception?)null) is >= 0 and var first)
        {
            ExceptionDispatchInfo.Throw(errors[first]!);
        }
    }

    private void Score(int count, byte[] pixels, float[] features, Exception?[] errors, CancellationToken cancellation)
    {
        var (imageSize, featureCount) = (_network.ImageSize, _network.FeatureCount);
        for (var start = 0; start < count; start += _batch)
        {
            cancellation.ThrowIfCancellationRequested();
            var size = Math.Min(_batch, count - start);
            if (errors.AsSpan(start, size).Contains(null)) // where an image is bad, its place holds the pixels of another
            {
                _network.Run(
                    pixels.AsMemory(start * imageSize, size * imageSize), features.AsSpan(start * featureCount, size * featureCount));
            }
        }
    }

    // Messages of the decoder name the image; those of the system do not always.
    private static Exception BadImage(string path, Exception exception) => exception is InvalidDataException
        ? exception
        : new IOException($"Image '{path}' cannot be read: {exception.Message.TrimEnd('.')}.", exception);
}
