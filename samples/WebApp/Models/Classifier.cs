using System.Collections.Immutable;
using System.Security.Cryptography;
using Microsoft.ML.ResNet;
using WebApp.Images;

namespace WebApp.Models;

/// <summary>
/// A loaded model, and turns at it: so many images are decoded and classified at a time. References are counted: whoever made it holds one,
/// and so does each request that it answers; the last to let go disposes it.
/// </summary>
internal sealed class Classifier
{
    private readonly ResNetPredictor _predictor;
    private readonly SemaphoreSlim _turns;
    private int _references = 1;

    private Classifier(ResNetPredictor predictor, int turns, byte[] hash)
    {
        (_predictor, _turns) = (predictor, new SemaphoreSlim(turns));
        Version = Convert.ToHexStringLower(hash)[..12];
    }

    /// <summary>Gets the names of the classes, in the order of the scores.</summary>
    public ImmutableArray<string> ClassNames => _predictor.ClassNames;

    /// <summary>Gets the beginning of the file's SHA-256.</summary>
    public string Version { get; }

    /// <summary>Loads a model.</summary>
    /// <param name="file">The content of a file that <c>mlContext.Model.Save</c> wrote.</param>
    /// <param name="engines">The number of images that are classified at a time.</param>
    /// <exception cref="InvalidDataException">The model is not a classifier of this library.</exception>
    public static Classifier Load(byte[] file, int engines)
    {
        var predictor = ResNetPredictor.Load(new MemoryStream(file), new ResNetPredictorOptions());
        if (predictor.ClassNames.IsEmpty)
        {
            predictor.Dispose();
            throw new InvalidDataException("The model does not classify images: its network has no head, so it computes features only.");
        }

        return new Classifier(predictor, engines, SHA256.HashData(file));
    }

    /// <summary>Takes a reference, unless the classifier has been disposed already.</summary>
    public bool TryAddReference()
    {
        var count = Volatile.Read(ref _references);
        while (count > 0)
        {
            var seen = Interlocked.CompareExchange(ref _references, count + 1, count);
            if (seen == count)
            {
                return true;
            }

            count = seen;
        }

        return false;
    }

    /// <summary>Lets a reference go.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _references) == 0)
        {
            _predictor.Dispose();
        }
    }

    /// <summary>Decodes and classifies an image, when its turn comes: who waits longest is served first.</summary>
    /// <param name="image">The image.</param>
    /// <param name="cancellation">Ends the waiting. An image that is being worked on is finished.</param>
    /// <returns>The probability of each class.</returns>
    /// <exception cref="UnusableImageException">The image cannot be decoded.</exception>
    public async Task<float[]> ScoreAsync(EncodedImage image, CancellationToken cancellation)
    {
        await _turns.WaitAsync(cancellation);
        try
        {
            using var pixels = image.Decode();
            return _predictor.Predict(pixels).Probabilities.ToArray();
        }
        finally
        {
            _turns.Release();
        }
    }
}
