using System.Numerics;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Data;
using Microsoft.ML.ResNet.Trainers.Distributed;

namespace Microsoft.ML.ResNet.Trainers.Tests.Distributed;

/// <summary>Each rank keeps its share of the images, and all of them see what one process that keeps all would see.</summary>
public sealed class SpreadImagesTests : IDisposable
{
    private const int Ranks = 3;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>Bytes are added up in any order, floats and mean images in one.</summary>
    [Theory]
    [InlineData(nameof(PixelRow.Bytes), MeanSubtraction.PerChannel)]
    [InlineData(nameof(PixelRow.Bytes), MeanSubtraction.PerPixel)]
    [InlineData(nameof(PixelRow.Floats), MeanSubtraction.PerChannel)]
    public void StatisticsAreThoseOfAllImagesToTheBit(string column, MeanSubtraction mean)
    {
        if (column == nameof(PixelRow.Bytes))
        {
            AssertSame<byte>();
        }
        else
        {
            AssertSame<float>();
        }

        void AssertSame<T>()
            where T : unmanaged, INumberBase<T>
        {
            using var whole = Read<T>(ml => TrainingData.Vectors(ml, perClass: 7), column, mean, Alone.Instance);
            var expected = Weights.WeightsMetadata.Write(whole.Preprocessing);
            using var ranks = new ThreadRanks(Ranks);
            var actual = ranks.Run(rank =>
            {
                using var images = Read<T>(ml => TrainingData.Vectors(ml, perClass: 7), column, mean, rank);
                var pixels = images.OnFirst(rank, () => Pixels(images.Training).Concat(Pixels(images.Validation)).ToArray());
                return (Metadata: Weights.WeightsMetadata.Write(images.Preprocessing), Pixels: pixels, Own: Kept(images));
            });

            Assert.All(actual, images => Assert.Equal(expected, images.Metadata));
            Assert.Equal(Pixels(whole.Training).Concat(Pixels(whole.Validation)), actual[0].Pixels);
            Assert.Equal([7, 7, 7], actual.Select(images => images.Own));
        }
    }

    [Theory]
    [InlineData(0.0, ClassBalance.None)]
    [InlineData(0.4, ClassBalance.None)]
    [InlineData(0.0, ClassBalance.Sampling)]
    public void BatchesAreThoseOfAllImages(double mixup, ClassBalance balance)
    {
        TorchRuntime.Initialize();
        using var whole = Read<byte>(ml => TrainingData.Vectors(ml, perClass: 10), nameof(PixelRow.Bytes), default, Alone.Instance);
        var expected = Batches(whole, rank: 0, ranks: 1, mixup, balance);
        using var ranks = new ThreadRanks(Ranks);
        var actual = ranks.Run(rank =>
        {
            using var images = Read<byte>(ml => TrainingData.Vectors(ml, perClass: 10), nameof(PixelRow.Bytes), default, rank);
            return Batches(images, rank.Rank, Ranks, mixup, balance);
        });

        for (var rank = 0; rank < Ranks; rank++)
        {
            foreach (var (batch, values) in actual[rank].Training)
            {
                var count = expected.Training[batch].Length / TrainingData.Shape.Size;
                var slice = (count * rank / Ranks * TrainingData.Shape.Size)..(count * (rank + 1) / Ranks * TrainingData.Shape.Size);
                Assert.Equal(expected.Training[batch][slice], values[slice]);
            }

            Assert.Equal(expected.Training.Count, actual[rank].Training.Count);
            Assert.All(actual[rank].Validation, batch => Assert.Equal(expected.Validation[batch.Key], batch.Value));
        }

        Assert.Equal(expected.Validation.Keys, actual.SelectMany(each => each.Validation.Keys).Order());
    }

    /// <summary>The loader waits for images that are never brought when training stops in the middle of an epoch.</summary>
    [Fact]
    public void AnEpochMayEndEarly()
    {
        TorchRuntime.Initialize();
        using var ranks = new ThreadRanks(Ranks);
        var seen = ranks.Run(rank =>
        {
            using var images = Read<byte>(ml => TrainingData.Vectors(ml, perClass: 10), nameof(PixelRow.Bytes), default, rank);
            using var loader = Training(images, rank.Rank, Ranks, mixup: 0, ClassBalance.None);
            var first = loader.Epoch(1).First().Index;
            return (first, Resumed: loader.Epoch(1, firstBatch: 2).First().Index);
        });

        Assert.All(seen, each => Assert.Equal((0, 2), each));
    }

    [Fact]
    public void ABadImageOfAnotherRankIsLeftOutEverywhereAndNamed()
    {
        Pictures.Write(_folder.Path, perClass: 5, height: 16, width: 16);
        var bad = Path.Combine(_folder.Path, Pictures.ClassNames[1], "002.png");
        File.WriteAllText(bad, "not a picture");
        using var ranks = new ThreadRanks(Ranks);
        var actual = ranks.Run(rank =>
        {
            var warnings = new List<string>();
            using var images = Read<byte>(
                ml => TrainingData.Images(ml, _folder.Path), "Image", default, rank, BadImageHandling.Skip, warnings.Add);
            return (images.Training.Count + images.Validation.Count, images.Skipped, Warning: string.Join(' ', warnings));
        });

        Assert.All(actual, each => Assert.Equal((14, 1), (each.Item1, each.Skipped)));
        Assert.All(actual, each => Assert.Contains(bad, each.Warning));
    }

    /// <summary>A block of memory is a megabyte at least: the images take eight.</summary>
    [Fact]
    public void MemoryFallsWithTheNumberOfRanks()
    {
        Pictures.Write(_folder.Path, perClass: 25, height: 192, width: 192);
        using var whole = Read<byte>(
            ml => TrainingData.Images(ml, _folder.Path), "Image", default, Alone.Instance, shape: new ImageShape(3, 192, 192));
        using var ranks = new ThreadRanks(Ranks);
        var own = ranks.Run(rank =>
        {
            using var images = Read<byte>(
                ml => TrainingData.Images(ml, _folder.Path), "Image", default, rank, shape: new ImageShape(3, 192, 192));
            return images.Store!.MemoryBytes;
        });

        Assert.All(own, bytes => Assert.InRange(bytes, 1, whole.Store!.MemoryBytes / 2));
    }

    private static int Kept<T>(TrainingImages<T> images)
        where T : unmanaged, INumberBase<T> =>
        images.Training.Entries.ToArray().Concat(images.Validation.Entries.ToArray()).Count(entry => !entry.IsElsewhere);

    private static IEnumerable<T[]> Pixels<T>(ImageSet<T> images)
        where T : unmanaged, INumberBase<T> => images.Select(image => image.Pixels.ToArray());

    private static (Dictionary<int, float[]> Training, Dictionary<int, float[]> Validation) Batches(
        TrainingImages<byte> images, int rank, int ranks, double mixup, ClassBalance balance)
    {
        using var training = Training(images, rank, ranks, mixup, balance);
        var made = training.Epoch(2).ToDictionary(batch => batch.Index, batch => batch.ImageValues.ToArray());
        using var validation = new BatchLoader<byte>(
            images.Validation, batchSize: 4, [InputPipeline.AsScored(images.Preprocessing)], epochs: 1, shuffleSeed: null)
        {
            Batches = (rank, ranks),
        };
        return (made, validation.Epoch(1).ToDictionary(batch => batch.Index, batch => batch.ImageValues.ToArray()));
    }

    private static BatchLoader<byte> Training(TrainingImages<byte> images, int rank, int ranks, double mixup, ClassBalance balance)
    {
        var pipeline = InputPipelines.For(ImageAugmentation.CropAndFlip, TrainingRecipe.Modern, images).ForTraining();
        return new BatchLoader<byte>(images.Training, batchSize: 6, pipeline, epochs: 2, shuffleSeed: 1, balance)
        {
            Mixing = mixup == 0 ? null : new Mixing(mixup, cutMix: 0),
            Slice = (rank, ranks),
        };
    }

    private static TrainingImages<T> Read<T>(
        Func<MLContext, IDataView> load,
        string column,
        MeanSubtraction mean,
        ICollective ranks,
        BadImageHandling onBadImage = BadImageHandling.Fail,
        Action<string>? warn = null,
        ImageShape? shape = null)
        where T : unmanaged, INumberBase<T>
    {
        var ml = new MLContext(seed: 1);
        var data = load(ml);
        var columns = TrainingColumns.Bind(
            data.Schema, new TrainingColumnNames("Label", column, Weight: null), shape ?? TrainingData.Shape, defaultImageSize: 16);
        var cache = new CacheLimits(long.MaxValue, Path.GetTempPath(), DiskReserve: 0);
        return new TrainingImageReader<T>(ml, columns, cache, new ImageDecoder(), warn ?? (_ => { }))
        {
            MeanSubtraction = mean,
            OnBadImage = onBadImage,
            Ranks = ranks,
        }.Read(data, validationFraction: 0.5, seed: 1);
    }
}
