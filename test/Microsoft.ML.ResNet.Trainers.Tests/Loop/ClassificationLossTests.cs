using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Loop;
using Microsoft.ML.ResNet.Trainers.Tests.Augmentation;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Tests.Loop;

/// <summary>Against the formulas, written out in double.</summary>
public sealed class ClassificationLossTests : IDisposable
{
    private const int Classes = 4;
    private static readonly long[] Labels = [2, 0, 3];
    private static readonly float[] Weights = [1, 0.5f, 3];
    private readonly float[] _logits = [.. Enumerable.Range(0, Labels.Length * Classes).Select(i => (float)Math.Sin(3 * i))];
    private readonly DisposeScope _scope;
    private readonly Batch _batch;

    public ClassificationLossTests()
    {
        TorchRuntime.Initialize();
        _scope = NewDisposeScope();
        _batch = new Batch(Labels.Length, imageSize: 1);
        _batch.Reset(0, Labels.Length, new ImageShape(1, 1, 1));
        Labels.CopyTo(_batch.LabelValues);
        Weights.CopyTo(_batch.WeightValues);
    }

    public void Dispose()
    {
        _batch.Dispose();
        _scope.Dispose();
    }

    [Fact]
    public void IsTheMeanCrossEntropy() => Assert.Equal(
        Enumerable.Range(0, 3).Average(row => CrossEntropy(row, Target(Labels[row], 0))),
        Loss(smoothing: 0, weighted: false),
        tolerance: 1e-5);

    [Fact]
    public void SmoothingSpreadsAShareOfTheLabelOverAllClasses() =>
        Assert.Equal(
            Enumerable.Range(0, 3).Average(row => CrossEntropy(row, Target(Labels[row], 0.2))),
            Loss(smoothing: 0.2, weighted: false),
            tolerance: 1e-5);

    [Fact]
    public void WeightsMakeAWeightedMean() =>
        Assert.Equal(
            Enumerable.Range(0, 3).Sum(row => Weights[row] * CrossEntropy(row, Target(Labels[row], 0.2))) / Weights.Sum(),
            Loss(smoothing: 0.2, weighted: true),
            tolerance: 1e-5);

    [Fact]
    public void MixedImagesHaveMixedLabels()
    {
        _batch.OwnShare = 0.7f;

        // Image i holds a share of image i - 1.
        var expected = Enumerable.Range(0, 3).Average(
            row => 0.7 * CrossEntropy(row, Target(Labels[row], 0.1)) + 0.3 * CrossEntropy(row, Target(Labels[(row + 2) % 3], 0.1)));
        Assert.Equal(expected, Loss(smoothing: 0.1, weighted: false), tolerance: 1e-5);
    }

    [Fact]
    public void ABatchOfZeroWeightsTeachesNothing()
    {
        _batch.WeightValues.Clear();

        Assert.Equal(0, Loss(smoothing: 0, weighted: true));
    }

    private double Loss(double smoothing, bool weighted) =>
        new ClassificationLoss(smoothing, weighted).Of(tensor(_logits, [Labels.Length, Classes]), _batch).item<float>();

    private double CrossEntropy(int row, double[] target)
    {
        var logits = _logits.AsSpan(row * Classes, Classes).ToArray();
        var logSum = Math.Log(logits.Sum(logit => Math.Exp(logit)));
        return -target.Zip(logits, (share, logit) => share * (logit - logSum)).Sum();
    }

    private static double[] Target(long label, double smoothing) =>
        [.. Enumerable.Range(0, Classes).Select(i => smoothing / Classes + (i == label ? 1 - smoothing : 0))];
}
