using Microsoft.ML.Data;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.Transforms.Image;

namespace Microsoft.ML.ResNet.Trainers.Tests;

public sealed class ValidationDataTests : IDisposable
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();

    public ValidationDataTests()
    {
        Pictures.Write(_folder["train"], perClass: 10, height: 16, width: 16);
        Pictures.Write(_folder["valid"], perClass: 7, height: 16, width: 16, seed: 2);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void TheStagesBeforeTheTrainerAreAppliedToIt()
    {
        var validation = _ml.Data.LoadImageFolder(_folder["valid"]);
        using var model = Load().Append(Trainer(validation)).Fit(_ml.Data.LoadImageFolder(_folder["train"]));

        AssertValidated(model.LastTransformer.History, model.Transform(validation), training: 30, images: 21);
    }

    // Images of four by four blurred pixels come to the trainer: so must those that it validates on be.
    [Fact]
    public void AStageThatReplacesAColumnIsAppliedToo()
    {
        var validation = Load().Fit(_ml.Data.LoadImageFolder(_folder["train"])).Transform(_ml.Data.LoadImageFolder(_folder["valid"]));
        var pipeline = _ml.Transforms.ResizeImages("Image", 4, 4, "Image", ImageResizingEstimator.ResizingKind.Fill)
            .Append(_ml.Transforms.ResizeImages("Image", 16, 16, "Image", ImageResizingEstimator.ResizingKind.Fill))
            .Append(Trainer(validation));
        using var model = pipeline.Fit(
            Load().Fit(_ml.Data.LoadImageFolder(_folder["train"])).Transform(_ml.Data.LoadImageFolder(_folder["train"])));

        AssertValidated(model.LastTransformer.History, model.Transform(validation), training: 30, images: 21);
    }

    [Fact]
    public void WhatIsDoneToTheTrainingDataBeforeThePipelineIsNotDoneToIt()
    {
        var split = _ml.Data.TrainTestSplit(_ml.Data.LoadImageFolder(_folder["train"]), testFraction: 0.3, seed: 1);
        var testImages = split.TestSet.GetColumn<string>("Label").Count();
        using var ofSplit = Load().Append(Trainer(split.TestSet)).Fit(split.TrainSet);
        AssertValidated(ofSplit.LastTransformer.History, ofSplit.Transform(split.TestSet), 30 - testImages, testImages);

        var validation = _ml.Data.LoadImageFolder(_folder["valid"]);
        using var ofSome = Load().Append(Trainer(validation)).Fit(_ml.Data.SkipRows(_ml.Data.LoadImageFolder(_folder["train"]), 5));
        AssertValidated(ofSome.LastTransformer.History, ofSome.Transform(validation), training: 25, images: 21);
    }

    [Fact]
    public void DataThatTheStagesHaveGoneOverIsTakenAsItIs()
    {
        var files = _ml.Data.LoadImageFolder(_folder["train"]);
        var load = Load().Fit(files);
        using var model = Trainer(load.Transform(_ml.Data.LoadImageFolder(_folder["valid"]))).Fit(load.Transform(files));

        AssertValidated(
            model.History, model.Transform(load.Transform(_ml.Data.LoadImageFolder(_folder["valid"]))), training: 30, images: 21);
    }

    [Fact]
    public void WhatIsGivenToFitComesFirst()
    {
        var images = TrainingData.Images(_ml, _folder["train"]);
        using var model = Trainer(_ml.Data.LoadImageFolder(_folder["valid"])).Fit(images, images);

        Assert.Equal(30, model.History.ValidationImages);
    }

    [Fact]
    public void DataOfOtherColumnsIsRefused()
    {
        var other = _ml.Transforms.CopyColumns("Other", "Label")
            .Fit(_ml.Data.LoadImageFolder(_folder["valid"]))
            .Transform(_ml.Data.LoadImageFolder(_folder["valid"]));
        var exception =
            Assert.Throws<ArgumentOutOfRangeException>(() => Load().Append(Trainer(other)).Fit(_ml.Data.LoadImageFolder(_folder["train"])));

        Assert.Contains(
            "ValidationData has the columns ImagePath (String), Label (String), Other (String). They are neither",
            exception.Message,
            StringComparison.Ordinal);
        Assert.Contains("Label column 'Label' is String", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AClassThatTrainingDoesNotHaveHasNoLabel()
    {
        Directory.Move(Path.Combine(_folder["valid"], "lying"), Path.Combine(_folder["valid"], "running"));
        using var model = Load().Append(Trainer(_ml.Data.LoadImageFolder(_folder["valid"])))
            .Fit(_ml.Data.LoadImageFolder(_folder["train"]));

        Assert.Equal(14, model.LastTransformer.History.ValidationImages); // a warning tells of the rest
    }

    private EstimatorChain<ImageLoadingTransformer> Load() =>
        _ml.Transforms.Conversion.MapValueToKey("Label").Append(_ml.Transforms.LoadImages("Image", null, "ImagePath"));

    private ResNetTrainer Trainer(IDataView validation) => _ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
    {
        Architecture = TrainingData.Tiny,
        InputShape = TrainingData.Shape,
        Epochs = 1,
        BatchSize = 16,
        Seed = 5,
        Precision = TrainingPrecision.Float32,
        ValidationData = validation,
    });

    // What training says of the validation images is what the model says of them.
    private void AssertValidated(TrainingHistory history, IDataView scored, int training, int images)
    {
        Assert.Equal((training, images), (history.TrainingImages, history.ValidationImages));
        var metrics = _ml.MulticlassClassification.Evaluate(scored);
        Assert.Equal(metrics.MicroAccuracy, history.Epochs[^1].ValidationAccuracy!.Value, 1e-9);
        Assert.Equal(metrics.LogLoss, history.Epochs[^1].ValidationLoss!.Value, 1e-3);
    }
}
