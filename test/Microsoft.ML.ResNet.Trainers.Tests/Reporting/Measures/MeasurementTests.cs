using System.Text.Json;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Trainers.Calibration;
using Microsoft.ML.ResNet.Trainers.Reporting.Measures;
using Microsoft.ML.ResNet.Trainers.Tests.Analysis;
using SkiaSharp;
using TorchSharp;

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
                var count = row == predicted
                    ? report.Classes[row].Correct
                    : report.Confusions.SingleOrDefault(pair => (pair.Class, pair.Predicted) == (row, predicted))?.Count ?? 0;
                Assert.Equal(expected.ConfusionMatrix.Counts[row][predicted], count);
            }
        }
    }

    [Fact]
    public void Of_many_classes_the_first_five_are_counted_as_Evaluate_does()
    {
        string[] names = [.. Enumerable.Range(0, 25).Select(i => $"class {i:d2}")];
        var random = new Random(2);
        var rows = Enumerable.Range(0, 100)
            .Select(i => new PixelRow { Name = names[i % 25], Bytes = Pictures.ToPlanar(Pictures.Draw(i % 3, 16, 16, 3, random), 3) })
            .ToArray();
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

    [Theory]
    [InlineData(0, 1)]
    [InlineData(2, 2)]
    public void Heat_maps_of_mistakes_are_those_of_GradCam(int cropBorder, int supersampling)
    {
        Pictures.Write(_folder.Path, perClass: 6, height: 24, width: 36);
        // the first six rows, of class diagonal, have no label
        var data = Classifiers.Labeled(_ml, _folder.Path, ["lying", "standing"]);
        using var model = Classifiers.Create(
            _ml, data, Classifiers.Preprocessing(TrainingData.Shape) with { CropBorder = cropBorder, Supersampling = supersampling });

        var report = Measurement.Run(model, data, new ReportOptions());

        Assert.Equal(6, report.UnlabeledRows);
        Assert.NotEmpty(report.WorstMistakes);
        Assert.All(report.WorstMistakes, mistake =>
        {
            using var image = MLImage.CreateFromFile(mistake.Path);
            AssertDrawn(model.GradCam(image, model.ClassNames[mistake.Predicted]), mistake.HeatMaps!.Predicted);
            AssertDrawn(model.GradCam(image, model.ClassNames[mistake.Class]), mistake.HeatMaps.Class);
        });
        Assert.Contains(report.WorstMistakes, mistake => !mistake.HeatMaps!.Predicted.Bytes.SequenceEqual(mistake.HeatMaps.Class.Bytes));

        static void AssertDrawn(GradCamMap map, Thumbnail picture)
        {
            using var expected = map.Overlay();
            using var actual = picture.ToImage();
            Assert.Equal((expected.Width, expected.Height), (actual.Width, actual.Height));
            var pairs = expected.Pixels.ToArray().Zip(actual.Pixels.ToArray());             // in batches sums round differently
            Assert.All(pairs, pair => Assert.InRange(Math.Abs(pair.First - pair.Second), 0, 1));
        }
    }

    [Fact]
    public void Mistakes_in_vectors_have_heat_maps_too()
    {
        var data = TrainingData.Vectors(_ml, perClass: 30);
        using var model = UntrainedClassifier.Create(_ml, data, "Floats");

        var mistakes = Measurement.Run(model, data, new ReportOptions { WorstMistakes = 1000 }).WorstMistakes;

        Assert.All(mistakes, mistake => Assert.Equal((16, 16), (mistake.HeatMaps!.Predicted.Width, mistake.HeatMaps.Class.Height)));
        Assert.Contains(mistakes, mistake => !mistake.HeatMaps!.Predicted.Bytes.SequenceEqual(mistake.Thumbnail!.Bytes));
    }

    [Fact]
    public void Heat_maps_are_not_drawn_over_other_images()
    {
        var data = TrainingData.Vectors(_ml, perClass: 30);
        using var model = UntrainedClassifier.Create(_ml, data, "Bytes");
        var mistakes = Measurement.Run(model, data, new ReportOptions { WorstMistakes = 5 }).WorstMistakes;

        var fewer = _ml.Data.TakeRows(data, mistakes.Max(mistake => mistake.Row));
        var moved = TrainingData.Vectors(_ml, [.. Pictures.Rows(perClass: 30, 16, 16, 3).Reverse()]);

        Assert.All([fewer, moved], other => Assert.Contains(
            "other rows",
            Assert.Throws<InvalidOperationException>(() => MistakeHeat.AddTo(mistakes, model, other, default)).Message,
            StringComparison.Ordinal));
    }

    [Fact]
    public void Responses_are_measured_on_rows_spread_over_the_data()
    {
        var rows = Pictures.Rows(perClass: 4, 16, 16, 3);
        var data = TrainingData.Vectors(_ml, rows);
        using var model = UntrainedClassifier.Create(_ml, data, "Bytes");

        var responses = Measurement.Run(model, data, new ReportOptions { LayerResponseImages = 5 }).Responses!;

        Assert.Equal(4, responses.Images);                                                     // every third of 12
        Assert.Equal(
            model.LayerResponses(TrainingData.Vectors(_ml, [rows[0], rows[3], rows[6], rows[9]])).AsEnumerable(), responses.Layers);
        Assert.Equal(12, Measurement.Run(model, data, new ReportOptions()).Responses!.Images);
    }

    [Fact]
    public void Views_are_measured_as_Evaluate_does()
    {
        var data = TrainingData.Vectors(_ml, perClass: 10);
        using var model = UntrainedClassifier.Create(_ml, data, "Bytes");

        var report = Measurement.Run(
            model,
            data,
            new ReportOptions { TestTimeViews = [TestTimeViews.TenCrop, TestTimeViews.Single, TestTimeViews.MultiScale(224, 448)] });

        Assert.Equal(
            [("single view", 1), ("10-crop", 10), ("multi-scale 224, 448", 4)], report.Views.Select(each => (each.Name, each.Views)));
        Assert.Equal((report.Accuracy, report.LogLoss), (report.Views[0].Accuracy, report.Views[0].LogLoss));
        foreach (var (views, result) in new[] { TestTimeViews.TenCrop, TestTimeViews.MultiScale(224, 448) }.Zip(report.Views.Skip(1)))
        {
            var expected = model.Evaluate(data, views);
            Assert.Equal(expected.MicroAccuracy, result.Accuracy.Value, 1e-12);
            Assert.Equal(expected.LogLoss, result.LogLoss, 1e-6);
        }
    }

    [Fact]
    public void What_is_not_asked_for_is_not_measured()
    {
        var data = TrainingData.Vectors(_ml);
        using var model = UntrainedClassifier.Create(_ml, data, "Bytes");

        var report = Measurement.Run(model, data, new ReportOptions { GradCam = false, LayerResponseImages = 0, TestTimeViews = [] });

        Assert.Empty(report.Views);
        Assert.Null(report.Responses);
        Assert.All(report.WorstMistakes, mistake => Assert.Null(mistake.HeatMaps));
    }

    [Fact]
    public void Every_tensor_is_freed()
    {
        var data = TrainingData.Vectors(_ml);
        using var model = UntrainedClassifier.Create(_ml, data, "Bytes");
        var before = LiveTensors.CountBefore();

        Measurement.Run(model, data, new ReportOptions());

        Assert.Equal(before, torch.Tensor.TotalCount);
    }

    [Fact]
    public void A_scale_that_is_too_small_is_refused_before_the_test()
    {
        var data = TrainingData.Vectors(_ml);
        using var model = UntrainedClassifier.Create(_ml, data, "Bytes");

        // Any test would stop at its first row.
        var options = new ReportOptions
        {
            TestTimeViews = [TestTimeViews.MultiScale(1)],
            CancellationToken = new CancellationToken(canceled: true),
        };
        Assert.Contains(
            "too small",
            Assert.Throws<ArgumentOutOfRangeException>(() => Measurement.Run(model, data, options)).Message,
            StringComparison.Ordinal);
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
        var counts = same.Confusions.Concat(same.Classes.Select((each, index) => new Confusion(index, index, each.Correct)))
            .ToDictionary(pair => (pair.Class, pair.Predicted), pair => pair.Count);
        string[] renamed = ["standing", "diagonal", "lying"];
        Assert.Equal(6, other.Classes[0].Support);
        Assert.Equal(
            Enumerable.Range(0, 3)
                .Sum(score => counts.GetValueOrDefault((Array.IndexOf(["diagonal", "lying", "standing"], renamed[score]), score))),
            other.Accuracy.Successes);
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
        Assert.All(
            report.WorstMistakes,
            mistake => Assert.Equal((16, 16, null), (mistake.Thumbnail!.Width, mistake.Thumbnail.Height, mistake.Path)));
    }

    [Fact]
    public void The_network_is_described()
    {
        var data = TrainingData.Vectors(_ml);
        using var model = UntrainedClassifier.Create(_ml, data, "Bytes");

        var report = Measurement.Run(model, data, new ReportOptions { Recipe = "train --long" });

        Assert.Equal(("tiny", "tiny", "train --long"), (report.Title, report.Architecture, report.Recipe));
        Assert.Equal(
            (model.Plan.ParameterCount, model.Plan.MultiplyAdds, TrainingData.Shape),
            (report.Parameters, report.MultiplyAdds, report.Input));
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
        Assert.Contains(
            "'Class'",
            Refusal<ArgumentOutOfRangeException>(data, new ReportOptions { LabelColumnName = "Class" }),
            StringComparison.Ordinal);
        Assert.Contains(
            "'Bytes'",
            Refusal<ArgumentOutOfRangeException>(_ml.Transforms.DropColumns("Bytes").Fit(data).Transform(data)),
            StringComparison.Ordinal);
        Assert.Contains(
            "no rows",
            Refusal<InvalidOperationException>(_ml.Data.FilterRowsByColumn(TrainingData.Vectors(_ml, classes: 2), "Weight", lowerBound: 2)),
            StringComparison.Ordinal);

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

        Assert.Contains(
            "001.png",
            Assert.Throws<BadImageException>(() => Measurement.Run(model, data, new ReportOptions())).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_token_stops_the_measurement()
    {
        var data = TrainingData.Vectors(_ml);
        using var model = UntrainedClassifier.Create(_ml, data, "Bytes");

        Assert.Throws<OperationCanceledException>(
            () => Measurement.Run(model, data, new ReportOptions { CancellationToken = new CancellationToken(canceled: true) }));
    }
}
