using System.Collections.Immutable;
using Microsoft.ML.ResNet.Trainers.Analysis;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Reporting.Measures;

/// <summary>Shows where a network looked when it made mistakes.</summary>
internal static class MistakeHeat
{
    // What is left of one between two ways to compute the same probability.
    private const double Rounding = 0.01;

    /// <summary>Adds heat maps to mistakes. Only their rows' images are read, again, in batches.</summary>
    /// <param name="mistakes">The mistakes, in any order.</param>
    /// <param name="model">The network.</param>
    /// <param name="data">The data in which the mistakes were found.</param>
    /// <param name="cancellation">Stops between batches.</param>
    /// <exception cref="InvalidOperationException">The data has other rows than it had.</exception>
    public static ImmutableArray<Mistake> AddTo(
        ImmutableArray<Mistake> mistakes, ResNetClassificationTransformer model, IDataView data, CancellationToken cancellation)
    {
        var shown = mistakes.Where(mistake => mistake.Thumbnail is not null).OrderBy(mistake => mistake.Row).ToArray();
        var rows = shown.Select(mistake => mistake.Row).ToHashSet();
        var heat = new Dictionary<long, HeatMaps>();
        var batchSize = PixelBatches.SizeFor(model.Plan.Input.Height, model.Plan.Input.Width);
        var batches = new PixelBatches(model, model.Preprocessing.CropBorder, batchSize).Read(data, rows.Count, rows.Contains);
        using var gradCam = new GradCam(model, stage: model.Architecture.Depths.Length);
        foreach (var (batch, pixels) in shown.Chunk(batchSize).Zip(batches))
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            RequireSameRows(pixels.shape[0] == batch.Length);
            var images = Array.ConvertAll(batch, mistake => Drawable(mistake.Thumbnail!, model));
            var results = gradCam.Look(pixels);
            var ofPredicted = gradCam.Explain(results, images, Array.ConvertAll(batch, mistake => mistake.Predicted));
            var ofClass = gradCam.Explain(results, images, Array.ConvertAll(batch, mistake => mistake.Class));
            for (var i = 0; i < batch.Length; i++)
            {
                RequireSameRows(Math.Abs(ofPredicted[i].Probability - batch[i].Probability) is not > Rounding);
                heat.Add(batch[i].Row, new HeatMaps(Draw(ofPredicted[i]), Draw(ofClass[i])));
            }
        }

        RequireSameRows(heat.Count == shown.Length);
        return [.. mistakes.Select(mistake => mistake with { HeatMaps = heat.GetValueOrDefault(mistake.Row) })];
    }

    // The picture is as the image was, but smaller; of it the network saw the same part. Of a vector it saw all.
    private static ExplainedImage Drawable(Thumbnail picture, ResNetClassificationTransformer model)
    {
        using var image = picture.ToImage();
        return new ExplainedImage(image, model.Preprocessing);
    }

    // One image's heat over the picture of another would be worse than none.
    private static void RequireSameRows(bool areSame)
    {
        if (!areSame)
        {
            throw new InvalidOperationException(
                "The test data had other rows when it was read a second time. "
                + "A view must give the same rows, in the same order, whenever it is read.");
        }
    }

    private static Thumbnail Draw(GradCamMap map)
    {
        using var overlay = map.Overlay();
        return Thumbnail.Of(overlay, Math.Max(overlay.Width, overlay.Height));
    }
}

/// <summary>Where in an image a network saw two classes: the image, with heat over it.</summary>
/// <param name="Predicted">Where it saw the class it chose.</param>
/// <param name="Class">Where it saw the image's own class.</param>
internal sealed record HeatMaps(Thumbnail Predicted, Thumbnail Class);
