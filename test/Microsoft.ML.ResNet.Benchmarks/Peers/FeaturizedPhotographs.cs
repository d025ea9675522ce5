using System.Diagnostics;
using Microsoft.ML.Data;

namespace Benchmarks.Peers;

/// <summary>
/// A logistic regression on the features of photographs: those of this library, or of ML.NET's own DnnFeaturizeImage, which reads the same
/// weights.
/// </summary>
/// <param name="Train">The folder of photographs to fit to, one sub-folder per class.</param>
/// <param name="Test">The folder of those to judge by.</param>
/// <param name="IsOurs">Whether the features are this library's.</param>
internal sealed record FeaturizedPhotographs(string Train, string Test, bool IsOurs)
{
    private const int Side = 224;

    public static readonly Peer<FeaturizedPhotographs, FeaturizedResult> Peer = new("featurize", Fit);

    private static FeaturizedResult Fit(FeaturizedPhotographs work)
    {
        var ml = new MLContext(seed: 1);
        var (train, test) = (ml.Data.LoadImageFolder(work.Train), ml.Data.LoadImageFolder(work.Test));
        var clock = Stopwatch.StartNew();
        var featurize = ml.Transforms.LoadImages("Image", null, nameof(ImageFolderRow.ImagePath))
            .Append(work.IsOurs ? Ours(ml) : Theirs(ml));
        using var model = ml.Transforms.Conversion.MapValueToKey("Label").Append(featurize)
            .Append(ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy()).Fit(train);
        var fit = clock.Elapsed.TotalSeconds;

        var metrics = ml.MulticlassClassification.Evaluate(model.Transform(test));
        using var featurizer = featurize.Fit(train);
        Pass(); // to get warm
        clock.Restart();
        var count = Pass();
        return new FeaturizedResult(metrics.MicroAccuracy, metrics.LogLoss, fit, clock.Elapsed.TotalSeconds / count);

        int Pass() => featurizer.Transform(train).GetColumn<float[]>("Features").Count();
    }

    private static IEstimator<ITransformer> Ours(MLContext ml) => ml.Transforms.ResNetFeaturizeImage(ResNetWeights.Pretrained("resnet18"));

    // As ML.NET's documentation has it.
    private static IEstimator<ITransformer> Theirs(MLContext ml) => ml.Transforms.ResizeImages("Image", Side, Side)
        .Append(ml.Transforms.ExtractPixels("Pixels", "Image"))
        .Append(ml.Transforms.DnnFeaturizeImage(
            "Features", model => model.ModelSelector.ResNet18(ml, model.OutputColumn, model.InputColumn), "Pixels"));
}

/// <summary>What came of it.</summary>
/// <param name="Accuracy">The share of the test photographs that are classified right.</param>
/// <param name="LogLoss">Their log-loss.</param>
/// <param name="Fit">Seconds from the pipeline's first line to the fitted model.</param>
/// <param name="PerImage">Seconds for the features of a photograph, decoding included, once all is warm.</param>
internal sealed record FeaturizedResult(double Accuracy, double LogLoss, double Fit, double PerImage);
