using Microsoft.ML.Data;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Trainers.Tests.Conformance;

public sealed class ResNetTrainerConformanceTests : IDisposable
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();

    public ResNetTrainerConformanceTests() => Pictures.Write(_folder.Path, perClass: 4, height: 16, width: 16);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void ConformsOnImages()
    {
        var data = TrainingData.Images(_ml, _folder.Path);
        TestSupport.Conformance.CheckEstimator(_ml, Trainer("Image"), data, _ml.Transforms.DropColumns("Image").Fit(data).Transform(data));
    }

    [Fact]
    public void ConformsOnVectors()
    {
        var data = TrainingData.Vectors(_ml);
        TestSupport.Conformance.CheckEstimator(_ml, Trainer(nameof(PixelRow.Bytes)), data,
            _ml.Transforms.CopyColumns(nameof(PixelRow.Bytes), nameof(PixelRow.Weight)).Fit(data).Transform(data));
        TestSupport.Conformance.CheckEstimator(
            _ml, Trainer(nameof(PixelRow.Floats)), data, _ml.Transforms.DropColumns(nameof(PixelRow.Floats)).Fit(data).Transform(data));
    }

    [Fact]
    public void ConformsWithAKeyOfNumbers()
    {
        var rows = Pictures.Rows(perClass: 8, 16, 16, 3);
        foreach (var row in rows)
        {
            row.Weight = 10 * Array.IndexOf(Pictures.ClassNames, row.Name);
        }

        var view = Pictures.Load(_ml, rows);
        var data = _ml.Transforms.Conversion.MapValueToKey("Label", nameof(PixelRow.Weight)).Fit(view).Transform(view);
        TestSupport.Conformance.CheckEstimator(
            _ml, Trainer(nameof(PixelRow.Bytes)), data, _ml.Transforms.DropColumns(nameof(PixelRow.Bytes)).Fit(data).Transform(data));
    }

    [Fact]
    public void PromisesWhatAStockTrainerPromises()
    {
        var data = TrainingData.Vectors(_ml);
        var shape = ResNet.Interop.MLNetInternals.NewSchemaShape(null, data.Schema);

        var ours = Trainer(nameof(PixelRow.Floats)).GetOutputSchema(shape);
        var stock = _ml.MulticlassClassification.Trainers.SdcaMaximumEntropy("Label", nameof(PixelRow.Floats)).GetOutputSchema(shape);

        Assert.Equal(Describe(stock), Describe(ours));

        static IEnumerable<string> Describe(SchemaShape shape) => shape
            .SelectMany(column => column.Annotations
                .Select(annotation => $"{column.Name}.{annotation.Name}: {annotation.Kind} {annotation.ItemType} {annotation.IsKey}")
                .Prepend($"{column.Name}: {column.Kind} {column.ItemType} {column.IsKey}")).Order();
    }

    [Fact]
    public void CrossValidates()
    {
        var options = TrainingData.Options;
        var before = System.Text.Json.JsonSerializer.Serialize(Plain(options));
        var pipeline = _ml.Transforms.LoadImages("Image", null, "ImagePath").Append(_ml.MulticlassClassification.Trainers.ResNet(options));
        Pictures.Write(_folder.Path, perClass: 20, height: 16, width: 16);
        var files = _ml.Data.LoadImageFolder(_folder.Path);
        var data = _ml.Transforms.Conversion.MapValueToKey("Label").Fit(files).Transform(files);

        var first = _ml.MulticlassClassification.CrossValidate(data, pipeline, numberOfFolds: 2, seed: 3)
            .Select(fold => fold.Metrics.LogLoss)
            .ToArray();
        var second = _ml.MulticlassClassification.CrossValidate(data, pipeline, numberOfFolds: 2, seed: 3)
            .Select(fold => fold.Metrics.LogLoss)
            .ToArray();

        // The same estimator, fitted again, remembers nothing.
        Assert.Equal(first, second);
        Assert.All(first, logLoss => Assert.True(double.IsFinite(logLoss)));
        Assert.Equal(before, System.Text.Json.JsonSerializer.Serialize(Plain(options)));

        static Dictionary<string, string?> Plain(ResNetTrainer.Options options) => typeof(ResNetTrainer.Options).GetProperties()
            .ToDictionary(property => property.Name, property => property.GetValue(options)?.ToString());
    }

    private ResNetTrainer Trainer(string imageColumn) => _ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
    {
        Architecture = TrainingData.Tiny,
        InputShape = TrainingData.Shape,
        ImageColumnName = imageColumn,
        Epochs = 1,
        BatchSize = 16,
    });
}
