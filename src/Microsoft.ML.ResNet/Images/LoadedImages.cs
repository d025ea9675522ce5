using Microsoft.ML.ResNet.Interop;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.ResNet.Images;

/// <summary>Puts <see cref="ImageDecoder"/> in the place of ML.NET's LoadImages in a view, wherever in its stages that is.</summary>
internal static class LoadedImages
{
    /// <summary>Makes a view of the same rows and columns, whose images our decoder reads.</summary>
    /// <param name="environment">The environment to register components with.</param>
    /// <param name="view">The view.</param>
    /// <param name="decoder">What decodes files.</param>
    /// <returns>
    /// The new view; the same one where there is no LoadImages in it, or none that can be found: beneath a view that is not of ML.NET, or a
    /// stage that cannot be applied anew.
    /// </returns>
    public static IDataView DecodedBy(IHostEnvironment environment, IDataView view, ImageDecoder decoder)
    {
        if (MLNetInternals.SourceOf(view) is not { } source)
        {
            return view;
        }

        var decoded = DecodedBy(environment, source, decoder);
        if (decoded != source)
        {
            try
            {
                view = MLNetInternals.ApplyToData(environment, view, decoded);
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                return view; // such as a filter by a lambda, which ML.NET can neither copy nor save
            }
        }

        return MLNetInternals.ImageLoaderOf(view) is { } loader ? new DecodedImageView(view, loader, decoder) : view;
    }

    /// <summary>
    /// Makes a view in which no file ends the process or takes all of its memory: such a file is an error. One that is cut short is read as
    /// a saved model reads it.
    /// </summary>
    public static IDataView Bounded(IHostEnvironment environment, IDataView view) =>
        DecodedBy(environment, view, new ImageDecoder { TakesTruncated = true });

    /// <summary>Tells whether a view's images are read by our decoder.</summary>
    public static bool IsDecoded(IDataView view) =>
        view is IDecodesImages || (MLNetInternals.SourceOf(view) is { } source && IsDecoded(source));
}
