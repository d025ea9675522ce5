using Microsoft.ML.ResNet.Evaluation;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Reporting.Measures;

/// <summary>Tests, for a report, a network that gives an image any number of labels.</summary>
internal static class MultilabelMeasurement
{
    // As PredictedLabel has it.
    private const float Threshold = 0.5f;

    /// <summary>Measures everything that a report tells.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of the wrong type, the labels are others than the network's, or
    /// an option is for networks of one label.</exception>
    /// <exception cref="InvalidOperationException">There are no rows.</exception>
    public static MultilabelReport Run(ResNetClassificationTransformer model, IDataView testData, ReportOptions options)
    {
        const string several = "null for a network that gives an image any number of labels";
        OptionCheck.OfTrainer(options.CalibrationData is null, "data", several, nameof(options.CalibrationData));
        OptionCheck.OfTrainer(options.LabelIssues is null, "labels", several, nameof(options.LabelIssues));
        model.Image.CheckSame(testData.Schema);
        if (options.LayerResponseImages > 0)
        {
            TorchRuntime.Initialize(); // a missing libtorch fails now, and not after the test
        }

        var scored = model.Transform(model.Image.Source == PixelSource.Image
            ? CheckedImageView.Of(model.Environment, testData, model.Image.Name, new ImageDecoder())
            : testData);
        var metrics = ScoredLabels.Bind(scored.Schema, options.LabelColumnName, model.Added.Score)
            .Measure(scored, Threshold, options.CancellationToken);
        return new MultilabelReport
        {
            Title = options.Title ?? model.Architecture.Name,
            Recipe = options.Recipe,
            Architecture = model.Architecture.Name,
            Parameters = model.Plan.ParameterCount,
            MultiplyAdds = model.Plan.MultiplyAdds,
            Input = model.Plan.Input,
            History = model.History,
            Card = model.Card,
            UnlabeledRows = 0, // an image without any label is one too
            ComparedRuns = [.. options.ComparedRuns],
            Duplicates = options.TrainingData is { } training ? DuplicateSearch.Run(model, testData, training, options) : null,
            Responses = Measurement.MeasureResponses(model, testData, metrics.ImageCount, options),
            Metrics = metrics,
        };
    }
}
