using System.Numerics.Tensors;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Trainers.Calibration;
using Microsoft.ML.Trainers;

namespace Microsoft.ML.ResNet.Trainers.Labels;

/// <summary>
/// Computes the probabilities of each row's classes by a head that was trained without that row: the data is divided into folds, and each
/// is judged by a head that the others trained. The head is ML.NET's multinomial logistic regression.
/// </summary>
internal static class CrossValidatedHead
{
    private const int MostIterations = 200;

    // Of the sum of the losses: more of it lets a head learn less from single images. The first fold decides which is taken.
    private static readonly float[] Regularizations = [1, 10, 100, 1000];

    /// <summary>Computes the probabilities.</summary>
    /// <param name="table">The rows; their features are to be standardized.</param>
    /// <param name="folds">The number of folds.</param>
    /// <param name="seed">Decides which row lies in which fold.</param>
    /// <param name="cancellation">Stops between heads.</param>
    /// <returns>[rows × classes].</returns>
    public static float[] Probabilities(FeatureTable table, int folds, int seed, CancellationToken cancellation)
    {
        var foldOf = Folds(table.Labels, table.ClassNames.Length, folds, new Random(seed));
        var probabilities = new float[table.Count * table.ClassNames.Length];
        var regularization = Regularizations.MinBy(each =>
        {
            cancellation.ThrowIfCancellationRequested();
            return Judge(table, foldOf, fold: 0, each, probabilities);
        });
        var parallel = new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount };
        Parallel.For(0, folds, parallel, fold => Judge(table, foldOf, fold, regularization, probabilities));
        return probabilities;
    }

    /// <summary>Divides rows into folds of the same size, each with the same share of every class.</summary>
    internal static int[] Folds(ReadOnlySpan<int> labels, int classes, int folds, Random random)
    {
        var rowsOf = Enumerable.Range(0, classes).Select(_ => new List<int>()).ToArray();
        for (var row = 0; row < labels.Length; row++)
        {
            rowsOf[labels[row]].Add(row);
        }

        var (foldOf, next) = (new int[labels.Length], 0);
        foreach (var rows in rowsOf)
        {
            int[] shuffled = [.. rows];
            random.Shuffle(shuffled);
            foreach (var row in shuffled)
            {
                foldOf[row] = next++ % folds;
            }
        }

        return foldOf;
    }

    // Writes the probabilities of the fold's rows, and returns their mean negative log-likelihood.
    private static double Judge(FeatureTable table, int[] foldOf, int fold, float regularization, float[] probabilities)
    {
        var classes = table.ClassNames.Length;
        var head = Train(table, row => foldOf[row] != fold, regularization);
        VBuffer<float>[]? weights = null;
        head.GetWeights(ref weights, out _);
        var dense = Array.ConvertAll(weights!, vector => vector.DenseValues().ToArray());
        float[] biases = [.. head.GetBiases()];

        var (logits, loss, count) = (new float[classes], 0.0, 0);
        for (var row = 0; row < table.Count; row++)
        {
            if (foldOf[row] != fold)
            {
                continue;
            }

            for (var label = 0; label < classes; label++)
            {
                logits[label] = biases[label] + TensorPrimitives.Dot<float>(dense[label], table.Features[row]);
            }

            var judged = probabilities.AsSpan(row * classes, classes);
            TemperatureScaling.Apply(logits, temperature: 1, judged);
            loss -= Math.Log(Math.Max(judged[table.Labels[row]], float.Epsilon));
            count++;
        }

        return count == 0 ? 0 : loss / count;
    }

    private static MaximumEntropyModelParameters Train(FeatureTable table, Func<int, bool> learnsFrom, float regularization)
    {
        // A context of its own: heads are trained at once, and a user's log is not to tell of each.
        var ml = new MLContext(seed: 1);
        var schema = SchemaDefinition.Create(typeof(Example));
        schema[nameof(Example.Features)].ColumnType = new VectorDataViewType(NumberDataViewType.Single, table.FeatureCount);
        schema[nameof(Example.Label)].ColumnType = new KeyDataViewType(typeof(uint), table.ClassNames.Length);

        // In the program's own rows a key counts from 0, unlike in a view.
        var examples = Enumerable.Range(0, table.Count).Where(learnsFrom)
            .Select(row => new Example { Features = table.Features[row], Label = (uint)table.Labels[row] });
        var options = new LbfgsMaximumEntropyMulticlassTrainer.Options
        {
            L1Regularization = 0,
            L2Regularization = regularization,
            MaximumNumberOfIterations = MostIterations,
            OptimizationTolerance = 1e-5f,
            DenseOptimizer = true,
            NumberOfThreads = 1, // several add up in no fixed order
        };
        return ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy(options)
            .Fit(ml.Data.LoadFromEnumerable(examples.ToArray(), schema)).Model;
    }

    private sealed class Example
    {
        public float[] Features { get; set; } = [];

        public uint Label { get; set; }
    }
}
