using System.Numerics.Tensors;
using Microsoft.ML;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Trainers.Reporting.Measures;
using Studio.Training;

namespace Studio.Evaluation;

/// <summary>Tests a network, by the measures of the library's report.</summary>
internal static class Evaluator
{
    /// <summary>Tests it.</summary>
    /// <param name="network">The network.</param>
    /// <param name="images">Readable images of the network's classes.</param>
    /// <param name="pathOf">Finds an image's file.</param>
    /// <param name="cancellation">Stops it.</param>
    public static EvaluationResult Evaluate(
        ResNetClassificationTransformer network, RunImage[] images, Func<string, string> pathOf, CancellationToken cancellation)
    {
        var names = network.ClassNames;
        var (counts, calibration) = (new ConfusionCounts(names), new CalibrationMeter());
        var tested = new List<TestedImage>(images.Length);
        foreach (var (image, scores) in images.Zip(Scores(network, images.Select(image => pathOf(image.Image)))))
        {
            cancellation.ThrowIfCancellationRequested();
            var (label, predicted) = (names.IndexOf(image.Class), TensorPrimitives.IndexOfMax<float>(scores));
            counts.Add(label, predicted);
            calibration.Add(scores, label, predicted);
            tested.Add(new TestedImage(image.Image, image.Class, names[predicted], scores[predicted], scores[label]));
        }

        var accuracy = new Proportion(counts.Correct, counts.Total);
        var trust = calibration.ToResult();
        return new EvaluationResult(
            [.. names],
            new Share(accuracy.Value, accuracy.Interval.Low, accuracy.Interval.High, counts.Correct, counts.Total),
            trust.LogLoss, trust.ExpectedCalibrationError,
            [.. trust.Bins.Select(bin => new ConfidenceBin(bin.Low, bin.High, bin.Count, bin.Confidence, bin.Accuracy))],
            [.. counts.ToClasses().Select(each =>
                new ClassScore(each.Name, each.Support, each.Predicted, each.Correct, each.Precision, each.Recall, each.F1))],
            [.. counts.ToConfusions().Select(each => new Confused(names[each.Class], names[each.Predicted], each.Count))],
            [.. tested]);
    }

    /// <summary>Gets the probabilities that a network gives to images, in their order.</summary>
    public static IEnumerable<float[]> Scores(ResNetClassificationTransformer network, IEnumerable<string> paths)
    {
        var ml = new MLContext();
        var scored = network.Transform(ImageRows.Images(ml, paths));
        return ml.Data.CreateEnumerable<Scored>(scored, reuseRowObject: false, ignoreMissingColumns: true).Select(row => row.Score);
    }

    private sealed class Scored
    {
        public float[] Score { get; set; } = [];
    }
}
