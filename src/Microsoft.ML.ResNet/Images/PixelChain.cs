using System.Collections.Immutable;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Interop;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Image;

namespace Microsoft.ML.ResNet.Images;

/// <summary>
/// From the user's column to a vector of pixels, by ML.NET's own transformers: ResizeImages, ConvertToGrayscale for one channel, and
/// ExtractPixels, planar, as bytes. Scoring, calibration, validation and analysis all read their pixels through these stages.
/// </summary>
internal static class PixelChain
{
    // Unlikely to be a user's; a chain that scores drops them.
    private const string ResizedColumn = "ResNet.Resized";
    private const string GrayscaleColumn = "ResNet.Grayscale";

    /// <summary>The column of pixels, which the chain makes.</summary>
    public const string PixelsColumn = "ResNet.Pixels";

    /// <summary>Gets the columns that the chain adds, some of them only for some images.</summary>
    public static ImmutableArray<string> TemporaryColumns { get; } = [ResizedColumn, GrayscaleColumn, PixelsColumn];

    /// <summary>Makes the stages.</summary>
    /// <param name="environment">The environment to register components with.</param>
    /// <param name="input">Data of the schema that will pass; no row of it is read.</param>
    /// <param name="image">The image column. Vectors pass as they are.</param>
    /// <param name="resizeTo">The size, in pixels, that images are resized to; those of this size pass as they are.</param>
    public static TransformerChain<ITransformer> Fit(
        IHostEnvironment environment, IDataView input, ImageColumn image, (int Height, int Width) resizeTo)
    {
        var transforms = MLNetInternals.NewTransformsCatalog(environment);
        if (image.Source != PixelSource.Image)
        {
            return Fit(input, transforms.CopyColumns(PixelsColumn, image.Name));
        }

        var resize = transforms.ResizeImages(
            ResizedColumn, resizeTo.Width, resizeTo.Height, image.Name, ImageResizingEstimator.ResizingKind.IsoCrop);
        return image.Shape.Channels == 1
            ? Fit(input, resize, transforms.ConvertToGrayscale(GrayscaleColumn, ResizedColumn), transforms.ExtractPixels(
                PixelsColumn, GrayscaleColumn, ImagePixelExtractingEstimator.ColorBits.Red, outputAsFloatArray: false))
            : Fit(input, resize, transforms.ExtractPixels(PixelsColumn, ResizedColumn, outputAsFloatArray: false));
    }

    /// <summary>Finds the column of pixels.</summary>
    public static DataViewSchema.Column PixelsOf(DataViewSchema schema) => schema[PixelsColumn];

    private static TransformerChain<ITransformer> Fit(IDataView input, params ReadOnlySpan<IEstimator<ITransformer>> estimators)
    {
        var chain = new TransformerChain<ITransformer>();
        foreach (var estimator in estimators)
        {
            var transformer = estimator.Fit(input);
            input = transformer.Transform(input);
            chain = chain.Append(transformer);
        }

        return chain;
    }
}
