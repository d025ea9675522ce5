using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Compiled;
using Microsoft.ML.ResNet.Trainers.Data;
using Microsoft.ML.ResNet.Trainers.Distributed;
using Microsoft.ML.ResNet.Trainers.Networks;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Tests.Distributed;

/// <summary>What ranks make of their slices, put together, is what one process makes of the whole.</summary>
public sealed class SliceTests
{
    private const int Count = 22, BatchSize = 11;
    private static readonly ImageShape Shape = new(3, 8, 8);

    public SliceTests() => TorchRuntime.Initialize();

    [Theory]
    [InlineData(2, 0.0, 0.0)]
    [InlineData(3, 0.4, 0.0)]
    [InlineData(3, 0.0, 1.0)]
    public void ImagesOfSlicesAreThoseOfTheWholeBatch(int ranks, double mixup, double cutMix)
    {
        using var whole = Loader((0, 1), mixup, cutMix);
        var expected = whole.Epoch(2)
            .Select(batch => (Values: batch.ImageValues.ToArray(), batch.OwnShare, Labels: batch.LabelValues[..batch.Count].ToArray()))
            .ToArray();

        for (var rank = 0; rank < ranks; rank++)
        {
            using var loader = Loader((rank, ranks), mixup, cutMix);
            foreach (var batch in loader.Epoch(2))
            {
                var slice = (batch.Count * rank / ranks * Shape.Size)..(batch.Count * (rank + 1) / ranks * Shape.Size);
                Assert.Equal(expected[batch.Index].Values[slice], batch.ImageValues[slice].ToArray());
                Assert.Equal(expected[batch.Index].OwnShare, batch.OwnShare);
                Assert.Equal(expected[batch.Index].Labels, batch.LabelValues[..batch.Count].ToArray());
            }
        }
    }

    /// <summary>Three ranks of one worker against one process of three: each makes gradients in the same order of additions, in one bucket
    /// and in one for each layer.</summary>
    [Theory]
    [InlineData(false, 1 << 20)]
    [InlineData(true, 1 << 20)]
    [InlineData(false, 1)]
    [InlineData(true, 1)]
    public void GradientsOfThreeRanksAreThoseOfThreeWorkersToTheBit(bool accumulates, int bucketBytes)
    {
        var plan = Plan();
        using var threeThreads = new TorchThreads(3);
        var expected = Gradients(plan, Alone.Instance, accumulates, bucketBytes);
        var actual = GradientsOfRanks(plan, ranks: 3, threads: 1, accumulates, bucketBytes);

        Assert.All(actual, gradients => Assert.Equal(expected, gradients));
    }

    /// <summary>With several workers in a rank, buckets wait until the workers have met: their sums are the same however they are cut.
    /// </summary>
    [Fact]
    public void BucketsOfSeveralWorkersChangeNothing()
    {
        var expected = GradientsOfRanks(Plan(), ranks: 2, threads: 2, accumulates: true, bucketBytes: 1 << 20);
        var actual = GradientsOfRanks(Plan(), ranks: 2, threads: 2, accumulates: true, bucketBytes: 1);

        Assert.Equal(expected[0], actual[0]);
        Assert.Equal(expected[0], actual[1]);
    }

    /// <summary>With many ranks buckets grow, so that what each rank adds up is no small message.</summary>
    [Theory]
    [InlineData(2, 4 << 20)]
    [InlineData(32, 4 << 20)]
    [InlineData(64, 8 << 20)]
    [InlineData(100_000, 1 << 30)]
    public void BucketsHaveRoomForTheBlocksOfAllRanks(int ranks, int bytes) => Assert.Equal(bytes, GradientBucket.BytesFor(ranks));

    /// <summary>In bfloat16 they are rounded, by 1/256 at most each time, and the same on every rank.</summary>
    [Fact]
    public void GradientsMayBeExchangedInBFloat16()
    {
        var expected = GradientsOfRanks(Plan(), ranks: 2, threads: 1, accumulates: false, bucketBytes: 1);
        var actual = GradientsOfRanks(Plan(), ranks: 2, threads: 1, accumulates: false, bucketBytes: 1, GradientExchange.BFloat16);

        Assert.Equal(actual[0], actual[1]);
        Assert.NotEqual(expected[0], actual[0]);
        var largest = expected[0].Max(Math.Abs);
        Assert.All(expected[0].Zip(actual[0]), pair => Assert.InRange(Math.Abs(pair.First - pair.Second), 0, largest / 100));
    }

    /// <summary>Where each rank normalizes by its own images, gradients are the mean of those of two processes with half of the batch each.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void StatisticsMayBeThoseOfEachRank(int workers)
    {
        var images = Images(20);
        var halves = new[] { images[..10], images[10..] }.Select(half => OwnGradients(Alone.Instance, [.. half], workers)).ToArray();
        using var all = new ThreadRanks(2);
        var actual = all.Run(rank => OwnGradients(rank, images, workers));
        var synced = OwnGradients(Alone.Instance, images, workers);

        Assert.Equal(actual[0], actual[1]);
        var expected = halves[0].Zip(halves[1], (one, other) => (one + other) / 2).ToArray();
        var largest = expected.Max(Math.Abs);
        Assert.All(expected.Zip(actual[0]), pair => Assert.InRange(Math.Abs(pair.First - pair.Second), 0, largest * 1e-5f));
        Assert.True(expected.Zip(synced).Max(pair => Math.Abs(pair.First - pair.Second)) > largest / 100);
    }

    // Of one batch, twice, to see that nothing is left of the first.
    private static float[] OwnGradients(ICollective ranks, StoredImage<byte>[] images, int workers)
    {
        using var threads = new TorchThreads(workers);
        using var scope = NewDisposeScope();
        var plan = Plan();
        using var network = new ResidualNetwork(plan, ResNetWeights.Initialize(plan, seed: 1), TrainingPrecision.Float32);
        using var step = new CompiledStep(
            network, 0, isWeighted: false, capacity: images.Length, kernelsFor: null, ranks, syncs: false) { BucketBytes = 1 };
        var pipeline = InputPipeline.AsScored(new ImagePreprocessing(Shape, [120, 120, 120], [60, 60, 60]));
        using var loader = new BatchLoader<byte>([.. images], images.Length, [pipeline], epochs: 1, shuffleSeed: null)
        {
            Slice = (ranks.Rank, ranks.Size),
        };
        for (var epoch = 1; epoch <= 2; epoch++)
        {
            step.Run(loader.Epoch(epoch).Single(), batchesInStep: 1, accumulates: false);
        }

        return [.. step.Gradients.SelectMany(gradient => gradient.contiguous().data<float>().ToArray())];
    }

    private static float[][] GradientsOfRanks(
        LayerPlan plan, int ranks, int threads, bool accumulates, int bucketBytes, GradientExchange format = GradientExchange.Float32)
    {
        using var all = new ThreadRanks(ranks);
        return all.Run(rank =>
        {
            using var ofRank = new TorchThreads(threads);
            return Gradients(plan, rank, accumulates, bucketBytes, format);
        });
    }

    private static LayerPlan Plan()
    {
        var tiny = new ResNetArchitecture("tiny", BlockKind.Basic, [1, 1])
        {
            Stem = StemKind.SmallImage,
            Shortcut = ShortcutKind.B,
            BaseWidth = 8,
        };
        return LayerPlan.Create(tiny, Shape, classCount: 3);
    }

    private static float[] Gradients(
        LayerPlan plan, ICollective ranks, bool accumulates, int bucketBytes, GradientExchange format = GradientExchange.Float32)
    {
        using var scope = NewDisposeScope();
        using var network = new ResidualNetwork(plan, ResNetWeights.Initialize(plan, seed: 1), TrainingPrecision.Float32);
        using var step = new CompiledStep(network, 0, isWeighted: false, capacity: BatchSize, kernelsFor: null, ranks)
        {
            BucketBytes = bucketBytes,
            GradientExchange = format,
        };
        using var loader = Loader((ranks.Rank, ranks.Size), mixup: 0, cutMix: 0);
        var losses = new List<float>();
        foreach (var batch in loader.Epoch(1))
        {
            var (loss, correct) = step.Run(batch, batchesInStep: 2, accumulates && batch.Index > 0);
            losses.AddRange([(float)loss, correct]);
        }

        Assert.Equal(ranks.Size * get_num_threads(), step.Slices);
        return [.. losses, .. step.Gradients.SelectMany(gradient => gradient.contiguous().data<float>().ToArray())];
    }

    private static BatchLoader<byte> Loader((int, int) slice, double mixup, double cutMix)
    {
        var preprocessing = new ImagePreprocessing(Shape, [120, 120, 120], [60, 60, 60]);
        ImageSet<byte> images = [.. Images(Count)];
        var crop = new CropAndFlip(Shape, new Normalization(preprocessing), flip: true, Shape);
        var pipeline = new InputPipeline(Shape, crop, new Normalization(preprocessing));
        return new BatchLoader<byte>(images, BatchSize, [pipeline], epochs: 2, shuffleSeed: 1)
        {
            Mixing = mixup + cutMix == 0 ? null : new Mixing(mixup, cutMix),
            Slice = slice,
        };
    }

    private static StoredImage<byte>[] Images(int count)
    {
        var random = new Random(1);
        return
        [
            .. Enumerable.Range(0, count).Select(_ =>
            {
                var pixels = new byte[Shape.Size];
                random.NextBytes(pixels);
                return new StoredImage<byte>(pixels, 8, 8, random.Next(3), 1);
            }),
        ];
    }
}
