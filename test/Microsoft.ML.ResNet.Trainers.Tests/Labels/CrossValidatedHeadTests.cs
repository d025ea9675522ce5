using System.Numerics.Tensors;
using Microsoft.ML.ResNet.Trainers.Labels;

namespace Microsoft.ML.ResNet.Trainers.Tests.Labels;

public sealed class CrossValidatedHeadTests
{
    [Fact]
    public void Folds_are_of_one_size_and_share_every_class_evenly()
    {
        int[] labels = [.. Enumerable.Range(0, 100).Select(row => row < 70 ? 0 : row < 95 ? 1 : 2)];

        var folds = CrossValidatedHead.Folds(labels, classes: 3, folds: 5, new Random(1));

        Assert.All(Enumerable.Range(0, 5), fold =>
        {
            var rows = Enumerable.Range(0, 100).Where(row => folds[row] == fold).Select(row => labels[row]).ToArray();
            Assert.Equal([14, 5, 1], Enumerable.Range(0, 3).Select(label => rows.Count(each => each == label)));
        });
        Assert.NotEqual(folds, CrossValidatedHead.Folds(labels, classes: 3, folds: 5, new Random(2)));
    }

    // A head that had seen the rows would know their labels by heart: of so many features, any labels follow.
    [Fact]
    public void Labels_that_follow_from_nothing_are_guessed()
    {
        var random = new Random(3);
        var table = Table(count: 200, features: 300, classes: 2, random, _ => random.Next(2));

        var probabilities = CrossValidatedHead.Probabilities(table, folds: 5, seed: 1, CancellationToken.None);

        Assert.InRange(Right(table, probabilities), 0.35, 0.65);
    }

    [Fact]
    public void Labels_that_follow_from_the_features_are_known_and_probabilities_are_some()
    {
        var table = Table(
            count: 300, features: 6, classes: 3, new Random(4), vector => TensorPrimitives.IndexOfMax<float>(vector.AsSpan(0, 3)));

        var probabilities = CrossValidatedHead.Probabilities(table, folds: 5, seed: 1, CancellationToken.None);

        Assert.InRange(Right(table, probabilities), 0.9, 1);
        Assert.All(probabilities.Chunk(3), row => Assert.Equal(1, row.Sum(), 1e-4));
        Assert.Equal(probabilities, CrossValidatedHead.Probabilities(table, folds: 5, seed: 1, CancellationToken.None));
    }

    [Fact]
    public void A_class_that_a_fold_does_not_learn_from_is_no_error()
    {
        var table = Table(count: 40, features: 4, classes: 3, new Random(5), vector => vector[0] > 0 ? 1 : 0);
        table.Labels[7] = 2; // the only one

        var probabilities = CrossValidatedHead.Probabilities(table, folds: 4, seed: 1, CancellationToken.None);

        Assert.All(probabilities, probability => Assert.InRange(probability, 0, 1));
        Assert.InRange(probabilities[7 * 3 + 2], 0, 0.2);
    }

    [Fact]
    public void The_token_stops_the_search() => Assert.ThrowsAny<OperationCanceledException>(() => CrossValidatedHead.Probabilities(
        Table(count: 20, features: 2, classes: 2, new Random(6), vector => vector[0] > 0 ? 1 : 0),
        folds: 2,
        seed: 1,
        new CancellationToken(canceled: true)));

    private static FeatureTable Table(int count, int features, int classes, Random random, Func<float[], int> label)
    {
        float[][] vectors =
        [
            .. Enumerable.Range(0, count).Select(_ => Enumerable.Range(0, features).Select(_ => random.NextSingle() - 0.5f).ToArray()),
        ];
        var table = new FeatureTable(
            [.. Enumerable.Range(0, classes).Select(each => $"class {each}")],
            vectors,
            Array.ConvertAll(vectors, vector => label(vector)),
            [.. Enumerable.Range(0, count)],
            new string?[count]);
        table.Standardize();
        return table;
    }

    private static double Right(FeatureTable table, float[] probabilities) =>
        probabilities.Chunk(table.ClassNames.Length)
            .Select((row, index) => Array.IndexOf(row, row.Max()) == table.Labels[index] ? 1.0 : 0)
            .Average();
}
