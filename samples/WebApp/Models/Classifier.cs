using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Threading.Channels;
using Microsoft.ML;
using Microsoft.ML.Data;
using WebApp.Images;

namespace WebApp.Models;

/// <summary>
/// A loaded model and a pool of prediction engines, of which each serves one image at a time. References are counted: whoever made it holds one, and
/// so does each request that it answers; the last to let go disposes it.
/// </summary>
internal sealed class Classifier
{
    private readonly ITransformer _model;
    private readonly Channel<PredictionEngine<ImageRow, ScoreRow>> _idle = Channel.CreateUnbounded<PredictionEngine<ImageRow, ScoreRow>>();
    private int _references = 1;

    private Classifier(ITransformer model, ImmutableArray<string> classNames, byte[] hash)
    {
        _model = model;
        ClassNames = classNames;
        Version = Convert.ToHexStringLower(hash)[..12];
    }

    /// <summary>Gets the names of the classes, in the order of the scores.</summary>
    public ImmutableArray<string> ClassNames { get; }

    /// <summary>Gets the beginning of the file's SHA-256.</summary>
    public string Version { get; }

    /// <summary>Loads a model.</summary>
    /// <param name="file">The content of a file that <c>mlContext.Model.Save</c> wrote.</param>
    /// <param name="engines">The number of images that are classified at a time.</param>
    /// <exception cref="FormatException">The model is not a classifier of images.</exception>
    public static Classifier Load(byte[] file, int engines)
    {
        var ml = new MLContext();
        var model = ml.Model.Load(new MemoryStream(file), out var saved);
        try
        {
            var (transformer, input) = ImageChain.Of(ml, model, saved);
            var options = new PredictionEngineOptions { InputSchemaDefinition = input, OwnsTransformer = false };
            var first = ml.Model.CreatePredictionEngine<ImageRow, ScoreRow>(transformer, options);
            var classifier = new Classifier(model, ClassNamesOf(first.OutputSchema[nameof(ScoreRow.Score)]), SHA256.HashData(file));
            classifier._idle.Writer.TryWrite(first);
            for (var engine = 1; engine < engines; engine++)
            {
                classifier._idle.Writer.TryWrite(ml.Model.CreatePredictionEngine<ImageRow, ScoreRow>(transformer, options));
            }

            return classifier;
        }
        catch
        {
            (model as IDisposable)?.Dispose();
            throw;
        }
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
        if (Interlocked.Decrement(ref _references) != 0)
        {
            return;
        }

        while (_idle.Reader.TryRead(out var engine))
        {
            engine.Dispose();
        }

        (_model as IDisposable)?.Dispose();
    }

    /// <summary>Decodes and classifies an image, when its turn comes: who waits longest is served first.</summary>
    /// <param name="image">The image.</param>
    /// <param name="cancellation">Ends the waiting. An image that is being worked on is finished.</param>
    /// <returns>The probability of each class.</returns>
    /// <exception cref="UnusableImageException">The image cannot be decoded.</exception>
    public async Task<float[]> ScoreAsync(EncodedImage image, CancellationToken cancellation)
    {
        var engine = await _idle.Reader.ReadAsync(cancellation);
        try
        {
            using var pixels = image.Decode();
            return engine.Predict(new ImageRow { Image = pixels }).Score;
        }
        finally
        {
            _idle.Writer.TryWrite(engine);
        }
    }

    private static ImmutableArray<string> ClassNamesOf(DataViewSchema.Column score)
    {
        if (!score.HasSlotNames())
        {
            return [.. Enumerable.Range(0, ((VectorDataViewType)score.Type).Size).Select(index => index.ToString(CultureInfo.InvariantCulture))];
        }

        var names = default(VBuffer<ReadOnlyMemory<char>>);
        score.GetSlotNames(ref names);
        return [.. names.DenseValues().Select(name => name.ToString())];
    }
}
