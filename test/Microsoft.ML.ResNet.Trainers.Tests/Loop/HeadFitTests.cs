using Microsoft.ML.ResNet.Trainers.Data;
using Microsoft.ML.ResNet.Trainers.Loop;

namespace Microsoft.ML.ResNet.Trainers.Tests.Loop;

public sealed class HeadFitTests
{
    private const int Images = 60, Size = 5, Classes = 3;

    [Fact]
    public void TheGradientVanishesWhereItStops()
    {
        const double penalty = 0.1, step = 1e-3;
        var (features, labels, weights) = Data();
        var standard = Standardized(features);

        var (matrix, bias) = new HeadFit(features, labels, weights, Classes).Solve(penalty);

        // In the space of standardized features, where the penalty is: the loss is no lower in any direction.
        var (original, _, _) = Data();
        var (mean, deviation) = Moments(original);
        var x = new double[Classes * (Size + 1)];
        for (var row = 0; row < Classes; row++)
        {
            for (var i = 0; i < Size; i++)
            {
                x[row * (Size + 1) + i] = matrix[row * Size + i] * deviation[i];
            }

            x[row * (Size + 1) + Size] = bias[row] + Enumerable.Range(0, Size).Sum(i => matrix[row * Size + i] * mean[i]);
        }

        var least = Loss(x, standard, labels, weights, penalty);
        for (var i = 0; i < x.Length; i++)
        {
            foreach (var change in (double[])[step, -step])
            {
                double[] moved = [.. x];
                moved[i] += change;
                Assert.True(Loss(moved, standard, labels, weights, penalty) >= least - 1e-7, $"lower by {change} along {i}");
            }
        }

        Assert.True(least < Math.Log(Classes) - 0.2, "nothing was learnt");
    }

    [Fact]
    public void TheScaleOfFeaturesChangesNoProbability()
    {
        var (features, labels, weights) = Data();
        var scaled = features.Select(each => each.Select((value, i) => value * (i + 1) * 100 + 7).ToArray()).ToArray();
        float[][] before = [.. features.Select(each => each.ToArray())], after = [.. scaled.Select(each => each.ToArray())];

        var plain = new HeadFit(features, labels, weights, Classes).Solve();
        var large = new HeadFit(scaled, labels, weights, Classes).Solve();

        Assert.All(before.Zip(after), pair => Assert.All(
            Probabilities(plain, pair.First).Zip(Probabilities(large, pair.Second)),
            values => Assert.Equal(values.First, values.Second, tolerance: 1e-3)));
    }

    [Fact]
    public void TheSameFeaturesGiveTheSameHead()
    {
        var (one, labels, weights) = Data();
        var (other, _, _) = Data();

        var first = new HeadFit(one, labels, weights, Classes).Solve();
        var second = new HeadFit(other, labels, weights, Classes).Solve();

        Assert.Equal(first.Matrix, second.Matrix);
        Assert.Equal(first.Bias, second.Bias);
    }

    [Fact]
    public void AnImageOfNoWeightTeachesNothing()
    {
        var (features, labels, weights) = Data();
        var (same, others, _) = Data();
        for (var i = 0; i < Images; i += 4)
        {
            weights[i] = 0;
            others[i] = (others[i] + 1) % Classes;
        }

        var first = new HeadFit(features, labels, weights, Classes).Solve();
        var second = new HeadFit(same, others, weights, Classes).Solve();

        Assert.Equal(first.Matrix, second.Matrix);
    }

    // A regression of one logit is one of two classes whose weights are its halves; the squares of two halves add up to a half.
    [Fact]
    public void LabelsOfAnyNumberAreARegressionForEach()
    {
        var (features, _, weights) = Data();
        var labelSets = new LabelSets(2);
        int[] sets = [.. features.Select(feature => labelSets.NumberOf([feature[0] > 0.9, feature[1] > 0.9]))];
        var (same, _, _) = Data();
        int[] first = [.. sets.Select(set => labelSets[set][0] ? 1 : 0)];

        var (matrix, bias) = new HeadFit(features, sets, weights, 2, labelSets).Solve();
        var (pair, pairBias) = new HeadFit(same, first, weights, 2).Solve(2 * HeadFit.Penalty);

        for (var i = 0; i < Size; i++)
        {
            Assert.Equal(pair[Size + i] - pair[i], matrix[i], tolerance: 2e-3f);
        }

        Assert.Equal(pairBias[1] - pairBias[0], bias[0], tolerance: 5e-3f);
    }

    [Fact]
    public void BalancedLabelsAreARegressionForEachWithWeights()
    {
        var (features, _, ones) = Data();
        Array.Fill(ones, 1);
        var labelSets = new LabelSets(2);
        int[] sets = [.. features.Select(feature => labelSets.NumberOf([feature[0] > 0.9, feature[1] > 0.9]))];
        var balanced = LabelWeights.Of(labelSets, sets);
        var (same, _, _) = Data();
        int[] first = [.. sets.Select(set => labelSets[set][0] ? 1 : 0)];
        float[] weights = [.. first.Select(label => balanced[0, label == 1])];

        var (matrix, bias) = new HeadFit(features, sets, ones, 2, labelSets, balanced).Solve();
        var (pair, pairBias) = new HeadFit(same, first, weights, 2).Solve(2 * HeadFit.Penalty);

        Assert.NotEqual(weights[0], weights[Array.IndexOf(first, 1 - first[0])]);
        for (var i = 0; i < Size; i++)
        {
            Assert.Equal(pair[Size + i] - pair[i], matrix[i], tolerance: 2e-3f);
        }

        Assert.Equal(pairBias[1] - pairBias[0], bias[0], tolerance: 5e-3f);
    }

    [Fact]
    public void FeaturesThatNeverChangeAreLeftAlone()
    {
        float[][] features = [[1, 0, 2], [1, 0, 3], [1, 0, 9], [1, 0, 8]];

        var (matrix, bias) = new HeadFit(features, [0, 0, 1, 1], [1, 1, 1, 1], classes: 2).Solve();

        Assert.All(matrix.Concat(bias), value => Assert.True(float.IsFinite(value)));
        Assert.Equal(0, matrix[0]);
        Assert.True(matrix[2] < 0 && matrix[5] > 0);
    }

    private static (float[][] Features, int[] Labels, float[] Weights) Data()
    {
        var random = new Random(3);
        var labels = Enumerable.Range(0, Images).Select(i => i % Classes).ToArray();
        float[][] features = [.. labels.Select(label => Enumerable.Range(0, Size)
            .Select(i => (float)(random.NextDouble() + (i == label ? 0.6 : 0))).ToArray())];
        return (features, labels, [.. labels.Select(label => label == 0 ? 2f : 1f)]);
    }

    private static (double[] Mean, double[] Deviation) Moments(float[][] features)
    {
        double[] mean = [.. Enumerable.Range(0, Size).Select(i => features.Average(each => (double)each[i]))];
        return (mean, [.. Enumerable.Range(0, Size).Select(i => Math.Sqrt(features.Average(each => Math.Pow(each[i] - mean[i], 2))))]);
    }

    private static double[][] Standardized(float[][] features)
    {
        var (mean, deviation) = Moments(features);
        return [.. features.Select(each => each.Select((value, i) => (value - mean[i]) / deviation[i]).ToArray())];
    }

    private static double Loss(double[] x, double[][] features, int[] labels, float[] weights, double penalty)
    {
        var (loss, total, squares) = (0.0, 0.0, 0.0);
        for (var image = 0; image < Images; image++)
        {
            double[] logits = [.. Enumerable.Range(0, Classes).Select(row =>
                Enumerable.Range(0, Size).Sum(i => x[row * (Size + 1) + i] * features[image][i]) + x[row * (Size + 1) + Size])];
            loss += weights[image] * (Math.Log(logits.Sum(Math.Exp)) - logits[labels[image]]);
            total += weights[image];
        }

        for (var row = 0; row < Classes; row++)
        {
            squares += Enumerable.Range(0, Size).Sum(i => Math.Pow(x[row * (Size + 1) + i], 2));
        }

        return loss / total + penalty / 2 * squares;
    }

    private static double[] Probabilities((float[] Matrix, float[] Bias) head, float[] features)
    {
        double[] exponentials = [.. Enumerable.Range(0, Classes).Select(row =>
            Math.Exp(head.Bias[row] + Enumerable.Range(0, Size).Sum(i => (double)head.Matrix[row * Size + i] * features[i])))];
        return [.. exponentials.Select(value => value / exponentials.Sum())];
    }
}
