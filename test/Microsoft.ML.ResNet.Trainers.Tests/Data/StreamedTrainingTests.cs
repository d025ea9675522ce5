using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Trainers.Tests.Data;

/// <summary>What a user sees of StreamShards.</summary>
public sealed class StreamedTrainingTests : IDisposable
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void ItLearnsAndTheSameSeedGivesTheSameWeights()
    {
        var shards = _ml.Data.LoadImageShards(TinyShards.Write(_folder.Path), TinyShards.Options);

        using var first = Fit(shards, Options(epochs: 16));
        using var again = Fit(shards, Options(epochs: 16));
        using var other = Fit(shards, Options(epochs: 16, seed: 2));

        AssertSame(first, again);
        Assert.NotEqual(first.Weights.ValuesHash, other.Weights.ValuesHash);
        Assert.Equal((30, 6), (first.History.TrainingImages, first.History.ValidationImages));
        Assert.InRange(first.History.Epochs[^1].Accuracy, 0.8, 1);
        Assert.InRange(_ml.MulticlassClassification.Evaluate(first.Transform(shards)).MicroAccuracy, 0.7, 1);
    }

    /// <summary>An epoch has four batches: it stops in the middle of the first, and of the next one after that.</summary>
    [Fact]
    public void StoppedInTheMiddleOfAnEpochItGoesOnToTheSameWeights()
    {
        var shards = _ml.Data.LoadImageShards(TinyShards.Write(_folder.Path), TinyShards.Options);
        using var untroubled = Fit(shards, Options(epochs: 2));
        for (var stop = 0; stop < 5; stop++)
        {
            using var stopped = Fit(shards, Options(epochs: 2, checkpoints: _folder["checkpoints"], maxDuration: TimeSpan.FromTicks(1)));
            Assert.Contains("MaxDuration", stopped.History.StoppedEarly);
        }

        using var resumed = Fit(shards, Options(epochs: 2, checkpoints: _folder["checkpoints"]));

        Assert.Null(resumed.History.StoppedEarly);
        AssertSame(untroubled, resumed);
    }

    /// <summary>The order is another one than that of images that are kept.</summary>
    [Fact]
    public void ACheckpointOfImagesThatAreKeptIsRefused()
    {
        var shards = _ml.Data.LoadImageShards(TinyShards.Write(_folder.Path), TinyShards.Options);
        Fit(shards, Options(checkpoints: _folder["checkpoints"], streams: false)).Dispose();

        var message = Assert.Throws<InvalidOperationException>(
            () => Fit(shards, Options(checkpoints: _folder["checkpoints"]))).Message;

        Assert.Contains("Images, labels or their order (hash)", message);
    }

    /// <summary>A label that a stage maps, and images that stages make vectors of floats of.</summary>
    [Fact]
    public void StagesThatChangeColumnsMayStandBetween()
    {
        var pattern = TinyShards.Write(_folder.Path);
        var keys = _ml.Data.LoadImageShards(pattern, TinyShards.Options);
        var texts = _ml.Data.LoadImageShards(pattern, TinyShards.Options with { ClassNames = [] });
        var map = _ml.Transforms.Conversion.MapValueToKey("Label");
        var vectors = _ml.Transforms.ResizeImages("Image", 16, 16).Append(_ml.Transforms.ExtractPixels("Image"));

        using var expected = Fit(keys, Options());
        using var mapped = Fit(map.Fit(texts).Transform(texts), Options());
        using var floats = Fit(vectors.Fit(keys).Transform(keys), Options());
        using var chain = map.Append(_ml.MulticlassClassification.Trainers.ResNet(Options())).Fit(texts);

        AssertSame(expected, mapped);
        AssertSame(expected, chain.LastTransformer);
        Assert.Equal(30, floats.History.TrainingImages);
    }

    /// <summary>Every second picture also has the label of the class after its own.</summary>
    [Fact]
    public void AnImageMayHaveSeveralLabels()
    {
        var names = Pictures.ClassNames;
        var pattern = TinyShards.Write(_folder.Path, labels: (number, name) =>
            number % 2 == 0 ? $"{name};{names[(number + 1) % names.Length]}" : name);
        var texts = _ml.Data.LoadImageShards(pattern, TinyShards.Options with { ClassNames = [] });
        var tags = _ml.Transforms.Text.TokenizeIntoWords("Label", separators: [';'])
            .Append(_ml.Transforms.Conversion.MapValueToKey("Label"));
        var shards = tags.Fit(texts).Transform(texts);

        using var first = Fit(shards, Options(epochs: 16));
        using var again = Fit(shards, Options(epochs: 16));

        AssertSame(first, again);
        Assert.Equal(TinyShards.Images, first.History.TrainingImages + first.History.ValidationImages);
        var metrics = _ml.MulticlassClassification.EvaluateMultilabel(first.Transform(shards));
        Assert.Equal(names.Order(), metrics.PerLabel.Select(label => label.Name).Order());
        Assert.InRange(metrics.MeanAveragePrecision, 0.75, 1);
    }

    [Fact]
    public void ADamagedImageIsNamedOrLeftOut()
    {
        var shards = _ml.Data.LoadImageShards(TinyShards.Write(_folder.Path, damaged: 13), TinyShards.Options);

        var message = Assert.Throws<BadImageException>(() => Fit(shards, Options())).Message;
        using var model = Fit(shards, Options(onBadImage: BadImageHandling.Skip));

        Assert.Contains("train-1.tar/0013.png' cannot be read", message);
        Assert.Equal(1, model.History.SkippedImages);
        Assert.Equal(35, model.History.TrainingImages + model.History.ValidationImages);
    }

    [Fact]
    public void ItValidatesOnOtherDataToo()
    {
        var shards = _ml.Data.LoadImageShards(TinyShards.Write(_folder.Path), TinyShards.Options);

        using var model = _ml.MulticlassClassification.Trainers.ResNet(Options()).Fit(shards, shards);

        Assert.Equal((36, 36), (model.History.TrainingImages, model.History.ValidationImages));
    }

    [Fact]
    public void ItsFirstBatchAndALearningRateCanBeLookedAt()
    {
        var shards = _ml.Data.LoadImageShards(TinyShards.Write(_folder.Path), TinyShards.Options);
        var trainer = _ml.MulticlassClassification.Trainers.ResNet(Options());

        trainer.WritePreview(_folder["preview.png"], shards);

        Assert.True(File.Exists(_folder["preview.png"]));
        Assert.InRange(trainer.FindLearningRate(shards, steps: 10).Rates.Length, 1, 10);
    }

    [Fact]
    public void RowsThatDoNotComeOneByOneFromShardsAreRefused()
    {
        var shards = _ml.Data.LoadImageShards(TinyShards.Write(_folder.Path), TinyShards.Options);
        var pattern = _folder["train-{0..3}.tar"];
        var pixels = _ml.Transforms.ResizeImages("Image", 16, 16).Append(_ml.Transforms.ExtractPixels("Image"));
        var vectors = pixels.Fit(shards).Transform(shards);

        Refuses(_ml.Data.TakeRows(shards, 20), "SkipTakeFilter");
        Refuses(_ml.Data.ShuffleRows(vectors), "Shuffl"); // it knows no images, nor does Cache
        Refuses(_ml.Data.Cache(vectors), "CacheDataView");
        Refuses(_ml.Data.LoadImageShards(pattern, TinyShards.Options with { Share = (0, 2) }), "have the option Share or StartAt");
        Refuses(TrainingData.Vectors(_ml), "come from LoadImageShards row by row", nameof(PixelRow.Bytes));

        void Refuses(IDataView data, string message, string image = "Image") => Assert.Contains(
            message, Assert.Throws<InvalidOperationException>(() => Fit(data, Options(image: image))).Message);
    }

    public static TheoryData<string, ResNetTrainer.Options> Refused => new()
    {
        {
            "Option Recipe.ClassBalance must be Weights or None with StreamShards",
            new() { StreamShards = true, Recipe = new() { ClassBalance = ClassBalance.Sampling } }
        },
        {
            "Option FitHeadFirst must be false with StreamShards",
            new() { StreamShards = true, FitHeadFirst = true }
        },
        {
            "Option StreamShards must be false where the Head alone learns, from features",
            new()
            {
                StreamShards = true, TrainableLayers = TrainableLayers.Head, Architecture = TrainingData.Tiny,
                InputShape = TrainingData.Shape,
            }
        },
    };

    [Theory]
    [MemberData(nameof(Refused), DisableDiscoveryEnumeration = true)]
    public void WhatNeedsImagesInAnyOrderIsRefusedAtConstruction(string message, ResNetTrainer.Options options) =>
        Assert.Contains(
            message,
            Assert.Throws<ArgumentOutOfRangeException>(() => _ml.MulticlassClassification.Trainers.ResNet(options)).Message);

    private ResNetClassificationTransformer Fit(IDataView data, ResNetTrainer.Options options) =>
        _ml.MulticlassClassification.Trainers.ResNet(options).Fit(data);

    private static void AssertSame(ResNetClassificationTransformer expected, ResNetClassificationTransformer actual) =>
        Assert.Equal(expected.Weights.ValuesHash, actual.Weights.ValuesHash);

    private static ResNetTrainer.Options Options(
        int epochs = 1,
        int seed = 1,
        string? checkpoints = null,
        TimeSpan? maxDuration = null,
        BadImageHandling onBadImage = BadImageHandling.Fail,
        string image = "Image",
        bool streams = true) => new()
        {
            Architecture = TrainingData.Tiny,
            InputShape = TrainingData.Shape,
            ImageColumnName = image,
            StreamShards = streams,
            Epochs = epochs,
            BatchSize = 8,
            ValidationFraction = 0.17,
            Seed = seed,
            ThreadCount = 1,
            Precision = TrainingPrecision.Float32,
            CheckpointFolder = checkpoints,
            MaxDuration = maxDuration,
            OnBadImage = onBadImage,
        };
}
