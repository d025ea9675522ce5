using System.Text.Json;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Trainers.Calibration;
using Microsoft.ML.ResNet.Trainers.Reporting.Measures;
using SkiaSharp;

namespace Microsoft.ML.ResNet.Trainers.Tests.Reporting.Measures;

public sealed class MeasurementTests : IDisposable
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("Bytes")]
    [InlineData("Floats")]
    public void The_numbers_are_those_of_Evaluate(string column)
    {
        var data = TrainingData.Vectors(_ml, perClass: 30);
        using var model = UntrainedClassifier.Create(_ml, data, column);

        var report = Measurement.Run(model, data, new ReportOptions());

        var expected = _ml.MulticlassClassification.Evaluate(model.Transform(data));
        Assert.InRange(expected.MicroAccuracy, 0.1, 0.9);
        Assert.Equal(90, report.Accuracy.Trials);
        Assert.Equal(expected.MicroAccuracy, report.Accuracy.Value, 1e-12);
        Assert.Equal(expected.MacroAccuracy, report.MacroAccuracy, 1e-12);
        Assert.Equal(expected.LogLoss, report.LogLoss, 1e-6);
        Assert.Equal(expected.ConfusionMatrix.PerClassPrecision, report.Classes.Select(each => each.Precision));
        Assert.Equal(expected.ConfusionMatrix.PerClassRecall, report.Classes.Select(each => each.Recall));
        Assert.Equal(Pictures.ClassNames, report.Classes.Select(each => each.Name));
        for (var row = 0; row < 3; row++)
        {
            for (var predicted = 0; predicted < 3; predicted++)
            {
                var count = row == predicted ? report.Classes[row].Correct : report.Confusions.SingleOrDefault(pair => (pair.Class, pair.Predicted) == (row, predicted))?.Count ?? 0;
                Assert.Equal(expected.ConfusionMatrix.Counts[row][predicted], count);
            }
        }
    }

    [Fact]
    public void Of_many_classes_the_first_five_are_counted_as_Evaluate_does()
    {
        string[] names = [.. Enumerable.Range(0, 25).Select(i => $"class {i:d2}")];
        var random = new Random(2);
        var rows = Enumerable.Range(0, 100).Select(i => new PixelRow { Name = names[i % 25], Bytes = Pictures.ToPlanar(Pictures.Draw(i % 3, 16, 16, 3, random), 3) }).ToArray();
        var data = TrainingData.Vectors(_ml, rows);
        using var model = UntrainedClassifier.Create(_ml, data, "Bytes", names);

        var report = Measurement.Run(model, data, new ReportOptions());

        var expected = _ml.MulticlassClassification.Evaluate(model.Transform(data), topKPredictionCount: 5);
        Assert.Equal(expected.TopKAccuracy, report.TopFive!.Value.Value, 1e-12);
        Assert.InRange(expected.TopKAccuracy, 0.05, 0.95);
    }

    [Fact]
    public void The_worst_mistakes_are_shown_with_their_files()
    {
        Pictures.Write(_folder.Path, perClass: 6, height: 24, width: 36);
        var data = TrainingData.Images(_ml, _folder.Path);
        using var model = UntrainedClassifier.Create(_ml, data, "Image");

        var mistakes = Measurement.Run(model, data, new ReportOptions { WorstMistakes = 4, ThumbnailSize = 18 }).WorstMistakes;

        Assert.Equal(4, mistakes.Length);
        Assert.Equal(mistakes.Select(mistake => mistake.Probability).OrderDescending(), mistakes.Select(mistake => mistake.Probability));
        Assert.All(mistakes, mistake =>
        {
            Assert.NotEqual(mistake.Class, mistake.Predicted);
            Assert.Equal(model.ClassNames[mistake.Class], Path.GetFileName(Path.GetDirectoryName(mistake.Path)));
            using var thumbnail = SKBitmap.Decode(mistake.Thumbnail!.Bytes);
            using var file = SKBitmap.Decode(mistake.Path);
            Assert.Equal((18, 12), (thumbnail.Width, thumbnail.Height));
            Assert.Equal(file.Pixels.Average(pixel => pixel.Red), thumbnail.Pixels.Average(pixel => pixel.Red), 2.0);
        });
    }

    [Fact]
    public void Labels_go_by_name_whatever_order_the_data_numbers_them_in()
    {
        Pictures.Write(_folder.Path, perClass: 6, height: 24, width: 36);
        var data = TrainingData.Images(_ml, _folder.Path);                // numbers them diagonal, lying, standing
        using var sameOrder = UntrainedClassifier.Create(_ml, data, "Image", ["diagonal", "lying", "standing"]);
        using var otherOrder = UntrainedClassifier.Create(_ml, data, "Image", ["standing", "diagonal", "lying"]);

        var (same, other) = (Measurement.Run(sameOrder, data, new ReportOptions()), Measurement.Run(otherOrder, data, new ReportOptions()));

        // The same weights call each class's score by another name.
        var counts = same.Confusions.Concat(same.Classes.Select((each, index) => new Confusion(index, index, each.Correct))).ToDictionary(pair => (pair.Class, pair.Predicted), pair => pair.Count);
        string[] renamed = ["standing", "diagonal", "lying"];
        Assert.Equal(6, other.Classes[0].Support);
        Assert.Equal(Enumerable.Range(0, 3).Sum(score => counts.GetValueOrDefault((Array.IndexOf(["diagonal", "lying", "standing"], renamed[score]), score))), other.Accuracy.Successes);
    }

    [Fact]
    public void Rows_without_a_label_are_left_out()
    {
        var known = TrainingData.Vectors(_ml, perClass: 5);
        var keys = _ml.Transforms.Conversion.MapValueToKey("Label", nameof(PixelRow.Name)).Fit(known);
        var rows = Pictures.Rows(perClass: 5, 16, 16, 3);
        (rows[0].Name, rows[7].Name) = ("unheard of", "");
        var data = keys.Transform(Pictures.Load(_ml, rows));
        using var model = UntrainedClassifier.Create(_ml, data, "Bytes");

        var report = Measurement.Run(model, data, new ReportOptions());

        Assert.Equal((13, 2), (report.Accuracy.Trials, report.UnlabeledRows));
    }

    [Fact]
    public void A_temperature_is_fitted_to_the_calibration_data_and_tried_on_the_test_data()
    {
        var data = TrainingData.Vectors(_ml, perClass: 30);
        using var model = UntrainedClassifier.Create(_ml, data, "Bytes");

        var report = Measurement.Run(model, data, new ReportOptions { CalibrationData = data });

        Assert.InRange(report.Temperature!.Value, TemperatureScaling.Lowest, TemperatureScaling.Highest);
        Assert.True(report.CalibrationAtTemperature!.LogLoss <= report.Calibration.LogLoss);
        Assert.Equal(90, report.CalibrationAtTemperature.Bins.Sum(bin => bin.Count));
        Assert.Equal(90, report.Calibration.Bins.Sum(bin => bin.Count));
        Assert.Equal(report.Accuracy.Value, report.Calibration.Bins.Sum(bin => bin.Count * bin.Accuracy) / 90, 1e-9);
        Assert.Equal(report.Accuracy.Value, report.CalibrationAtTemperature.Bins.Sum(bin => bin.Count * bin.Accuracy) / 90, 1e-9);
    }

    [Fact]
    public void Grey_vectors_are_measured_and_drawn()
    {
        var data = TrainingData.Vectors(_ml, Pictures.Rows(perClass: 10, 16, 16, channels: 1));
        using var model = UntrainedClassifier.Create(_ml, data, "Bytes", shape: new ImageShape(1, 16, 16));

        var report = Measurement.Run(model, data, new ReportOptions());

        Assert.NotEmpty(report.WorstMistakes);
        Assert.All(report.WorstMistakes, mistake => Assert.Equal((16, 16, null), (mistake.Thumbnail!.Width, mistake.Thumbnail.Height, mistake.Path)));
    }

    [Fact]
    public void The_network_is_described()
    {
        var data = TrainingData.Vectors(_ml);
        using var model = UntrainedClassifier.Create(_ml, data, "Bytes");

        var report = Measurement.Run(model, data, new ReportOptions { Recipe = "train --long" });

        Assert.Equal(("tiny", "tiny", "train --long"), (report.Title, report.Architecture, report.Recipe));
        Assert.Equal((model.Plan.ParameterCount, model.Plan.MultiplyAdds, TrainingData.Shape), (report.Parameters, report.MultiplyAdds, report.Input));
    }

    [Fact]
    public void The_numbers_can_be_written_as_JSON()
    {
        var data = TrainingData.Vectors(_ml);
        using var model = UntrainedClassifier.Create(_ml, data, "Bytes");

        using var json = JsonDocument.Parse(JsonSerializer.Serialize(Measurement.Run(model, data, new ReportOptions())));

        Assert.Equal(24, json.RootElement.GetProperty("Accuracy").GetProperty("Trials").GetInt64());
        Assert.Equal(3, json.RootElement.GetProperty("Classes").GetArrayLength());
    }

    [Fact]
    public void What_cannot_be_measured_is_refused_by_name()
    {
        var data = TrainingData.Vectors(_ml);
        using var model = UntrainedClassifier.Create(_ml, data, "Bytes", ["lying", "standing", "upside down"]);

        Assert.Contains("'diagonal'", Refusal<ArgumentOutOfRangeException>(data), StringComparison.Ordinal);
        Assert.Contains("'Class'", Refusal<ArgumentOutOfRangeException>(data, new ReportOptions { LabelColumnName = "Class" }), StringComparison.Ordinal);
        Assert.Contains("'Bytes'", Refusal<ArgumentOutOfRangeException>(_ml.Transforms.DropColumns("Bytes").Fit(data).Transform(data)), StringComparison.Ordinal);
        Assert.Contains("no rows", Refusal<InvalidOperationException>(_ml.Data.FilterRowsByColumn(TrainingData.Vectors(_ml, classes: 2), "Weight", lowerBound: 2)), StringComparison.Ordinal);

        string Refusal<T>(IDataView refused, ReportOptions? options = null)
            where T : Exception => Assert.Throws<T>(() => Measurement.Run(model, refused, options ?? new ReportOptions())).Message;
    }

    [Fact]
    public void An_image_that_cannot_be_read_is_named()
    {
        Pictures.Write(_folder.Path, perClass: 3, height: 24, width: 36);
        File.WriteAllText(Path.Combine(_folder.Path, "lying", "001.png"), "no image");
        var data = TrainingData.Images(_ml, _folder.Path);
        using var model = UntrainedClassifier.Create(_ml, data, "Image");

        Assert.Contains("001.png", Assert.Throws<BadImageException>(() => Measurement.Run(model, data, new ReportOptions())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_token_stops_the_measurement()
    {
        var data = TrainingData.Vectors(_ml);
        using var model = UntrainedClassifier.Create(_ml, data, "Bytes");

        Assert.Throws<OperationCanceledException>(() => Measurement.Run(model, data, new ReportOptions { CancellationToken = new CancellationToken(canceled: true) }));
    }
}
