using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Data;
using Microsoft.ML.ResNet.Trainers.Distributed;
using Microsoft.ML.ResNet.Trainers.Tests.Distributed;

namespace Microsoft.ML.ResNet.Trainers.Tests.Data;

/// <summary>Images that nobody keeps are those that would be kept, in the order of an epoch.</summary>
public sealed class StreamedImagesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _shards;

    public StreamedImagesTests() => _shards = TinyShards.Write(_folder.Path);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(MeanSubtraction.PerChannel)]
    [InlineData(MeanSubtraction.PerPixel)]
    public void TheyAreTheImagesThatWouldBeKept(MeanSubtraction mean)
    {
        using var kept = Read(streams: false, mean);
        using var streamed = Read(streams: true, mean);

        Assert.Equal(Weights.WeightsMetadata.Write(kept.Preprocessing), Weights.WeightsMetadata.Write(streamed.Preprocessing));
        Assert.Equal(Pixels(kept.Training), Pixels(streamed.Training));
        Assert.Equal(Pixels(kept.Validation), Pixels(streamed.Validation));
        Assert.Equal(kept.Training.Labels, streamed.Training.Labels);
        Assert.Equal(kept.ValidationRows.AsEnumerable(), streamed.ValidationRows);
        Assert.Equal(27, streamed.Training.Count);
    }

    [Fact]
    public void AnEpochHasEachImageOnceInAnOrderOfItsOwn()
    {
        using var images = Read();
        var epochs = Enumerable.Range(1, 3).Select(epoch => Order(images, epoch)).ToArray();

        Assert.All(epochs, order => Assert.Equal(Enumerable.Range(0, images.Training.Count), order.Order()));
        Assert.Equal(3, epochs.Select(order => string.Join(' ', order)).Distinct().Count());
        Assert.Equal(epochs[1], Order(images, epoch: 2));
        Assert.NotEqual(epochs[1], Order(images, epoch: 2, seed: 8));
    }

    /// <summary>The buffer mixes five, and the first one wanted lies anywhere in it.</summary>
    [Fact]
    public void AnEpochGoesOnAtAnyOfItsImages()
    {
        using var images = Read();
        var whole = Order(images, epoch: 2);

        Assert.All(Enumerable.Range(0, whole.Length + 1), first => Assert.Equal(whole[first..], Order(images, epoch: 2, first)));
    }

    [Fact]
    public void NoMoreImagesAreHeldThanTheWindowHas()
    {
        using var images = Read();
        var stream = images.Training.Stream!;
        foreach (var _ in stream.Epoch(seed: 7, epoch: 1))
        {
            Thread.Sleep(2); // longer than it takes to decode one
        }

        Assert.InRange(stream.MostHeld, 1, ParallelDecoder<byte>.Window);
    }

    /// <summary>Those of the others are not decoded.</summary>
    [Theory]
    [InlineData(0.0)]
    [InlineData(0.4)]
    public void RanksMakeTheBatchesOfOneProcess(double mixup)
    {
        const int count = 3;
        TorchRuntime.Initialize();
        using var whole = Read();
        var expected = Batches(whole, rank: 0, ranks: 1, mixup);
        using var ranks = new ThreadRanks(count);
        var actual = ranks.Run(rank =>
        {
            using var images = Read(ranks: rank);
            return (Batches: Batches(images, rank.Rank, count, mixup),
                Preprocessing: Weights.WeightsMetadata.Write(images.Preprocessing),
                images.Training.Stream!.Identity);
        });

        foreach (var (rank, (batches, preprocessing, identity)) in actual.Index())
        {
            Assert.Equal(Weights.WeightsMetadata.Write(whole.Preprocessing), preprocessing);
            Assert.Equal(whole.Training.Stream!.Identity, identity);
            foreach (var (batch, (values, labels)) in batches.Index())
            {
                var images = values.Length / TrainingData.Shape.Size;
                var slice = (images * rank / count * TrainingData.Shape.Size)..(images * (rank + 1) / count * TrainingData.Shape.Size);
                Assert.Equal(expected[batch].Values[slice], values[slice]);
                Assert.Equal(expected[batch].Labels[..images], labels[..images]);
            }
        }
    }

    [Fact]
    public void ShardsThatChangeInTheMeantimeAreNotTrainedOn()
    {
        using var images = Read();
        TinyShards.Write(_folder.Path, side: 40);
        var changed = Assert.Throws<BadImageException>(() => Order(images, epoch: 1)).Message;
        TinyShards.Write(_folder.Path, most: 30);
        var fewer = Assert.Throws<InvalidOperationException>(() => Order(images, epoch: 1)).Message;
        TinyShards.Write(_folder.Path);

        Assert.Matches(@"Sample \d \(counted from 0\) of shard '.*train-\d\.tar' changed while it was trained on", changed);
        Assert.Matches("The shards gave 2\\d training images, where they had 27 before", fewer);
        Assert.Equal(27, Order(images, epoch: 1).Length);
    }

    private static int[] Order(TrainingImages<byte> images, int epoch, int first = 0, int seed = 7) =>
        [.. images.Training.Stream!.Epoch(seed, epoch, first).Select(image => image.Index)];

    private static byte[][] Pixels(ImageSet<byte> images) => [.. images.Select(image => image.Pixels.ToArray())];

    private static (float[] Values, long[] Labels)[] Batches(TrainingImages<byte> images, int rank, int ranks, double mixup)
    {
        var pipeline = InputPipelines.For(ImageAugmentation.CropAndFlip, TrainingRecipe.Modern, images).ForTraining();
        using var loader = new BatchLoader<byte>(images.Training, batchSize: 6, pipeline, epochs: 2, shuffleSeed: 1)
        {
            Mixing = mixup == 0 ? null : new Mixing(mixup, cutMix: 0),
            Slice = (rank, ranks),
        };
        return [.. loader.Epoch(2).Select(batch => (batch.ImageValues.ToArray(), batch.LabelValues.ToArray()))];
    }

    private TrainingImages<byte> Read(
        bool streams = true, MeanSubtraction mean = MeanSubtraction.PerChannel, ICollective? ranks = null)
    {
        var ml = new MLContext(seed: 1);
        var data = ml.Data.LoadImageShards(_shards, TinyShards.Options);
        var columns = TrainingColumns.Bind(
            data.Schema, new TrainingColumnNames("Label", "Image", Weight: null), TrainingData.Shape, defaultImageSize: 16);
        var cache = new CacheLimits(long.MaxValue, _folder.Path, DiskReserve: 0);
        return new TrainingImageReader<byte>(ml, columns, cache, new ImageDecoder(), _ => { })
        {
            Streamed = streams ? ShardSource.Of(ml, data) : null,
            KeptScale = 1.1,
            MeanSubtraction = mean,
            Ranks = ranks ?? Alone.Instance,
        }.Read(data, validationFraction: 0.25, seed: 1);
    }
}
