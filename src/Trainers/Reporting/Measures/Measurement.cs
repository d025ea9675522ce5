using System.Collections.Immutable;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Trainers.Analysis;
using Microsoft.ML.ResNet.Trainers.Calibration;
using Microsoft.ML.ResNet.Trainers.Loop;

namespace Microsoft.ML.ResNet.Trainers.Reporting.Measures;

/// <summary>
/// Tests a network for a report: once over the calibration data, if there is any, once over the test data, and then over what the views,
/// the heat maps and the layers' responses need of it again.
/// </summary>
internal static class Measurement
{
    private const int FewestClassesForTopFive = 20;

    /// <summary>Of more calibration data than this, a fair sample is kept: one number is fitted to it. 64 MB.</summary>
    private const int MostLogits = 1 << 24;

    /// <summary>Measures everything that a report tells.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of the wrong type, or the labels have values that are no
    /// class.</exception>
    /// <exception cref="InvalidOperationException">There are no rows with a label.</exception>
    public static ClassificationReport Run(ResNetClassificationTransformer model, IDataView testData, ReportOptions options)
    {
        var temperature = options.CalibrationData is { } data ? FitTemperature(model, data, options) : (double?)null;
        var counts = new ConfusionCounts(model.ClassNames);
        var (calibration, atTemperature) = (new CalibrationMeter(), new CalibrationMeter());
        var worst = new WorstMistakes(options.WorstMistakes);
        var (inTopFive, rejected, rejectedRight) = (0L, 0L, 0L);
        var scaled = new float[model.ClassNames.Length];

        using var rows = new ScoredRows(model, testData, options);
        var views = OtherViews(model, testData, options);
        while (rows.MoveNext())
        {
            var scores = rows.Scores;
            var label = rows.Label;
            var predicted = TensorPrimitives.IndexOfMax(scores);
            counts.Add(label, predicted);
            calibration.Add(scores, label, predicted);
            inTopFive += Rank(scores, label) < 5 ? 1 : 0;
            if (scores[predicted] <= model.UnknownThreshold)
            {
                rejected++;
                rejectedRight += label == predicted ? 1 : 0;
            }

            if (temperature is not null)
            {
                TemperatureScaling.ToLogits(scores, scaled);
                TemperatureScaling.Apply(scaled, temperature.Value, scaled);
                atTemperature.Add(scaled, label, predicted);
            }

            if (predicted != label && worst.WouldKeep(scores[predicted], scores[label]))
            {
                var picture = rows.MakeThumbnail(options.ThumbnailSize);
                worst.Add(new Mistake(rows.Row, label, predicted, scores[predicted], scores[label], rows.Path, picture));
            }
        }

        RequireRows(counts.Total, rows.Unlabeled, "test");
        var classes = counts.ToClasses();
        var accuracy = new Proportion(counts.Correct, counts.Total);
        var measured = calibration.ToResult();
        return new ClassificationReport
        {
            Title = options.Title ?? model.Architecture.Name,
            Recipe = options.Recipe,
            Architecture = model.Architecture.Name,
            Parameters = model.Plan.ParameterCount,
            MultiplyAdds = model.Plan.MultiplyAdds,
            Input = model.Plan.Input,
            History = model.History,
            Card = model.Card,
            UnlabeledRows = rows.Unlabeled,
            ComparedRuns = [.. options.ComparedRuns],
            Accuracy = accuracy,
            TopFive = classes.Length >= FewestClassesForTopFive ? new Proportion(inTopFive, counts.Total) : null,
            MacroAccuracy = classes.Where(each => each.Support > 0).Average(each => each.Recall),
            Classes = classes,
            Confusions = counts.ToConfusions(),
            WorstMistakes = Explain(worst.ToArray(), model, testData, options),
            Duplicates = options.TrainingData is { } training ? DuplicateSearch.Run(model, testData, training, options) : null,
            LabelIssues = options.LabelIssues,
            Rejection = model.UnknownThreshold is { } threshold
                ? new RejectionResult(
                    threshold,
                    new Proportion(rejected, counts.Total),
                    new Proportion(rejectedRight, rejected),
                    new Proportion(counts.Correct - rejectedRight, counts.Total - rejected))
                : null,
            Calibration = measured,
            CalibrationAtTemperature = temperature is null ? null : atTemperature.ToResult(),
            Temperature = temperature,
            Views = views.Length == 0 ? [] :
            [
                new ViewResult(TestTimeViews.Single.ToString(), TestTimeViews.Single.Count, accuracy, measured.LogLoss),
                .. views.Select(each => ViewMeasurement.Run(each.Views, each.Scored, model, testData, options)),
            ],
            Responses = MeasureResponses(model, testData, rows.Row + 1, options),
        };
    }

    // Before the network is tested: scales that are too small for it, or a missing libtorch, fail now and not after.
    private static (TestTimeViews Views, IDataView Scored)[] OtherViews(
        ResNetClassificationTransformer model, IDataView testData, ReportOptions options)
    {
        if (options.GradCam || options.LayerResponseImages > 0)
        {
            TorchRuntime.Initialize();
        }

        return
        [
            .. options.TestTimeViews.Where(views => views != TestTimeViews.Single)
                .Distinct()
                .Select(views => (views, model.Transform(testData, views))),
        ];
    }

    private static ImmutableArray<Mistake> Explain(
        ImmutableArray<Mistake> mistakes, ResNetClassificationTransformer model, IDataView testData, ReportOptions options) =>
        options.GradCam && !mistakes.IsEmpty
            ? TrainingThread.Run(() => MistakeHeat.AddTo(mistakes, model, testData, options.CancellationToken))
            : mistakes;

    /// <summary>Measures how strongly the layers respond; null where the options do not ask for it.</summary>
    public static ResponseResult? MeasureResponses(
        ResNetClassificationTransformer model, IDataView testData, long rows, ReportOptions options)
    {
        if (options.LayerResponseImages == 0)
        {
            return null;
        }

        var stride = 1 + (rows - 1) / options.LayerResponseImages;
        var batchSize = PixelBatches.SizeFor(model.Plan.Input.Height, model.Plan.Input.Width);
        var layers = TrainingThread.Run(
            () => ResponseMeter.Measure(model, testData, long.MaxValue, batchSize, stride, options.CancellationToken));
        return new ResponseResult(1 + (rows - 1) / stride, layers);
    }

    private static double FitTemperature(ResNetClassificationTransformer model, IDataView data, ReportOptions options)
    {
        var classCount = model.ClassNames.Length;
        var capacity = Math.Max(1, MostLogits / classCount);
        var (logits, labels, seen) = (new List<float>(), new List<int>(), 0L);
        var random = new Random(model.History.Seed);
        using var rows = new ScoredRows(model, data, options);
        while (rows.MoveNext())
        {
            // Reservoir sampling (Vitter, 1985, algorithm R): each row is as likely to be kept as any other.
            var place = seen < capacity ? (int)seen : (int)Math.Min(random.NextInt64(seen + 1), capacity);
            seen++;
            if (place == capacity)
            {
                continue;
            }

            if (place == labels.Count)
            {
                labels.Add(0);
                CollectionsMarshal.SetCount(logits, logits.Count + classCount);
            }

            labels[place] = rows.Label;
            TemperatureScaling.ToLogits(rows.Scores, CollectionsMarshal.AsSpan(logits).Slice(place * classCount, classCount));
        }

        RequireRows(seen, rows.Unlabeled, "calibration");
        return TemperatureScaling.Fit(CollectionsMarshal.AsSpan(logits), CollectionsMarshal.AsSpan(labels));
    }

    // The number of classes that are likelier; of equals, the first is.
    private static int Rank(ReadOnlySpan<float> scores, int label)
    {
        var rank = 0;
        for (var i = 0; i < scores.Length; i++)
        {
            rank += scores[i] > scores[label] || (scores[i] == scores[label] && i < label) ? 1 : 0;
        }

        return rank;
    }

    private static void RequireRows(long labeled, long unlabeled, string purpose)
    {
        if (labeled == 0)
        {
            throw new InvalidOperationException(
                $"The {purpose} data has no rows{(unlabeled > 0 ? " with a label" : "")}, so there is nothing to report.");
        }
    }
}
