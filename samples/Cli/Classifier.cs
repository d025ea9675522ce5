using Microsoft.ML;
using Microsoft.ML.ResNet;

namespace Cli;

/// <summary>Networks at work. They need no libtorch.</summary>
internal static class Classifier
{
    /// <summary>Makes the network as a transformer over a column of images.</summary>
    public static ResNetClassificationTransformer Fit(MLContext ml, Network network) =>
        ml.Transforms.ApplyResNet(network.Weights, network.Architecture, preprocessing: network.RequiredPreprocessing)
            .Fit(ml.Data.LoadFromEnumerable<ImageRow>([]));

    /// <summary>Makes the network as a predictor, which decodes images on all cores and scores them in batches.</summary>
    public static ResNetPredictor Predictor(Network network, ImageReader reader)
    {
        var options = new ResNetPredictorOptions
        {
            Architecture = network.Architecture,
            Preprocessing = network.RequiredPreprocessing,
            MaxImagePixels = reader.MaxPixels,
            ApplyExifOrientation = reader.ExifOrientation,
        };
        return ResNetPredictor.Create(network.Weights, options);
    }
}
