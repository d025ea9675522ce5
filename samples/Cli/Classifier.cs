using Microsoft.ML;
using Microsoft.ML.ResNet;

namespace Cli;

/// <summary>A network at work. It needs no libtorch.</summary>
/// <param name="source">The file, or the name of published weights.</param>
/// <param name="predictor">Decodes images on all cores and scores them in batches. Disposed of with this.</param>
/// <param name="classesAdvice">What to do where folders have other names than the classes.</param>
internal sealed class Classifier(string source, ResNetPredictor predictor, string classesAdvice) : IDisposable
{
    /// <summary>Gets the file, or the name of published weights.</summary>
    public string Source => source;

    /// <summary>Gets what scores images.</summary>
    public ResNetPredictor Predictor => predictor;

    /// <summary>Gets whether an image has any number of the labels, each with a probability of its own.</summary>
    public bool HasSeveralLabels => predictor.Card is { IsMultilabel: true };

    /// <summary>Makes a network a transformer over a column of images.</summary>
    public static ResNetClassificationTransformer Fit(MLContext ml, Network network) =>
        ml.Transforms.ApplyResNet(network.Weights, network.Architecture, preprocessing: network.RequiredPreprocessing)
            .Fit(ml.Data.LoadFromEnumerable<ImageRow>([]));

    /// <summary>Makes a classifier of a network.</summary>
    public static Classifier Of(Network network, ImageReader reader) => new(
        network.Source,
        ResNetPredictor.Create(
            network.Weights,
            Options(reader) with { Architecture = network.Architecture, Preprocessing = network.RequiredPreprocessing }),
        network.ClassesAdvice);

    /// <summary>Opens a model of ML.NET, which says all by itself, and may be of integers.</summary>
    public static Classifier Open(string path, ImageReader reader) =>
        new(path, ResNetPredictor.Load(path, Options(reader)), classesAdvice: "");

    /// <summary>Refuses images of other classes than the network's.</summary>
    public void Refuse(LabeledImages images) => images.RefuseOtherClassesThan(predictor.ClassNames, source, classesAdvice);

    public void Dispose() => predictor.Dispose();

    private static ResNetPredictorOptions Options(ImageReader reader) =>
        new() { MaxImagePixels = reader.MaxPixels, ApplyExifOrientation = reader.ExifOrientation };
}
