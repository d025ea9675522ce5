using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Data;
using Microsoft.ML.ResNet.Trainers.Devices;
using Microsoft.ML.ResNet.Trainers.Loop;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Tests.Loop;

/// <summary>Against the formulas, written out in double.</summary>
public sealed class LabelLossTests : IDisposable
{
    private static readonly bool[][] Labels = [[true, false, true, false], [false, false, false, false], [true, true, true, true]];
    private static readonly float[] Weights = [1, 0.5f, 3];
    private readonly float[] _logits = [.. Enumerable.Range(0, 12).Select(i => (float)Math.Sin(3 * i))];
    private readonly LabelSets _labelSets = new(4);
    private readonly DisposeScope _scope;
    private readonly Batch _batch;

    public LabelLossTests()
    {
        TorchRuntime.Initialize();
        _scope = NewDisposeScope();
        _batch = new Batch(Labels.Length, imageSize: 1);
        _batch.Reset(0, Labels.Length, new ImageShape(1, 1, 1));
        for (var row = 0; row < Labels.Length; row++)
        {
            _batch.LabelValues[row] = _labelSets.NumberOf(Labels[row]);
        }

        Weights.CopyTo(_batch.WeightValues);
    }

    public void Dispose()
    {
        _batch.Dispose();
        _scope.Dispose();
    }

    [Fact]
    public void IsTheMeanOfTheSumsOfBinaryCrossEntropies() =>
        Assert.Equal(
            Enumerable.Range(0, 3).Average(row => Loss(row, Target(row, 0))), Loss(smoothing: 0, weighted: false), tolerance: 1e-5);

    [Fact]
    public void SmoothedMixedAndWeighted()
    {
        _batch.OwnShare = 0.7f;

        // Image i holds a share of image i − 1; weights belong to the label.
        var expected = Enumerable.Range(0, 3).Sum(row =>
            0.7 * Weights[row] * Loss(row, Target(row, 0.2)) + 0.3 * Weights[(row + 2) % 3] * Loss(row, Target((row + 2) % 3, 0.2)));

        Assert.Equal(expected / Weights.Sum(), Loss(smoothing: 0.2, weighted: true), tolerance: 1e-5);
    }

    [Fact]
    public void BalancedLabelsWeighAsMuchWhereTheyAreAsWhereNot()
    {
        int[] sets = [0, 1, 1, 1, 2]; // the labels are in 2, 1, 2 and 1 of 5 images
        var balanced = LabelWeights.Of(_labelSets, sets);
        double[] present = [5 / 4.0, 5 / 2.0, 5 / 4.0, 5 / 2.0], absent = [5 / 6.0, 5 / 8.0, 5 / 6.0, 5 / 8.0];

        using var balancedLoss = NewLoss(0.2, labelWeights: balanced);
        using var loss = balancedLoss.Of(tensor(_logits, [3, 4]), _batch);

        var expected = Enumerable.Range(0, 3).Average(row => Enumerable.Range(0, 4).Sum(label =>
        {
            var p = 1 / (1 + Math.Exp(-_logits[row * 4 + label]));
            var target = Target(row, 0.2)[label];
            return -present[label] * target * Math.Log(p) - absent[label] * (1 - target) * Math.Log(1 - p);
        }));
        Assert.Equal(expected, loss.item<float>(), tolerance: 1e-5);
        Assert.Equal(1, LabelWeights.Of(_labelSets, [1, 1])[0, has: false]); // nothing to balance
    }

    /// <summary>Each step frees what it made, and the next finds what labels count as it was.</summary>
    [Fact]
    public void WhatLabelsCountOutlivesAStep()
    {
        TrainingLoss loss;
        float first, second;
        using (NewDisposeScope())
        {
            loss = NewLoss(0.2, labelWeights: LabelWeights.Of(_labelSets, [0, 1, 1, 1, 2]));
            first = loss.Of(tensor(_logits, [3, 4]), _batch).item<float>();
        }

        using (NewDisposeScope())
        {
            second = loss.Of(tensor(_logits, [3, 4]), _batch).item<float>();
        }

        loss.Dispose();

        Assert.Equal(first, second);
        Assert.Throws<InvalidOperationException>(() => loss.Of(tensor(_logits, [3, 4]), _batch));
    }

    [Fact]
    public void AnImageIsRightIfAllOfItsLabelsAre()
    {
        float[] logits = [.. Labels.SelectMany(row => row.Select(has => has ? 0.1f : -3f))];
        logits[5] = 0.1f; // of the second image

        using var correct = NewLoss(0).Correct(tensor(logits, [3, 4]), _batch);

        Assert.Equal(2, correct.item<long>());
    }

    private double Loss(double smoothing, bool weighted) =>
        NewLoss(smoothing, weighted).Of(tensor(_logits, [3, 4]), _batch).item<float>();

    private double Loss(int row, double[] target) => target.Index().Sum(each =>
    {
        var p = 1 / (1 + Math.Exp(-_logits[row * 4 + each.Index]));
        return -each.Item * Math.Log(p) - (1 - each.Item) * Math.Log(1 - p);
    });

    private static double[] Target(int row, double smoothing) => [.. Labels[row].Select(has => smoothing / 2 + (has ? 1 - smoothing : 0))];

    private LabelLoss NewLoss(double smoothing, bool weighted = false, LabelWeights? labelWeights = null) =>
        new(_labelSets, smoothing, weighted, labelWeights, TensorFactory.OnCpu);
}
