using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Tests.Augmentation;

public sealed class BatchLoaderTests
{
    private static readonly ImageShape Shape = new(1, 2, 2);
    private static readonly ImagePreprocessing Preprocessing = new(Shape, [10], [2]);

    public BatchLoaderTests() => TorchRuntime.Initialize();

    [Fact]
    public void ShowsEveryImageOnceInAnOrderOfItsOwnEachEpoch()
    {
        using var loader = Loader(count: 50, batchSize: 16, seed: 1);

        var (first, again, second) = (Labels(loader, 1), Labels(loader, 1), Labels(loader, 2));

        Assert.Equal(Enumerable.Range(0, 50).Select(label => (long)label), first.Order());
        Assert.Equal(first, again);
        Assert.Equal(first.Order(), second.Order());
        Assert.NotEqual(first, second);
    }

    [Theory]
    [InlineData(130, 64, new[] { 44, 43, 43 })]
    [InlineData(128, 64, new[] { 64, 64 })]
    [InlineData(5, 64, new[] { 5 })]
    public void BatchesAreOfNearlyTheSameSize(int count, int batchSize, int[] sizes)
    {
        using var loader = Loader(count, batchSize, seed: 1);

        Assert.Equal(sizes, loader.Epoch(1).Select(batch => batch.Count));
        Assert.Equal(sizes.Length, loader.BatchesPerEpoch);
    }

    [Fact]
    public void NormalizesAndKeepsTheOrderWithoutASeed()
    {
        using var loader = Loader(count: 3, batchSize: 2, seed: null);

        // Image i is 4 pixels of the value i; (i - 10) / 2.
        var values = loader.Epoch(1).SelectMany(batch => batch.ImageValues[..(batch.Count * 4)].ToArray()).ToArray();

        Assert.Equal([-5, -5, -5, -5, -4.5f, -4.5f, -4.5f, -4.5f, -4, -4, -4, -4], values);
    }

    [Fact]
    public void AFailureReachesTheReader()
    {
        using var loader = new BatchLoader<byte>(
            [.. Images(10)], 4, [new InputPipeline(Shape, new Failing(), new Normalization(Preprocessing))], epochs: 1, shuffleSeed: 1);

        Assert.Equal("no", Assert.Throws<InvalidOperationException>(() => loader.Epoch(1).Count()).Message);
    }

    [Fact]
    public void AReaderMayStopEarly()
    {
        using var loader = Loader(count: 1000, batchSize: 2, seed: 1);

        Assert.Equal(2, loader.Epoch(1).First().Count);
        Assert.Equal(1000, Labels(loader, 1).Length);
    }

    private static BatchLoader<byte> Loader(int count, int batchSize, int? seed) =>
        new([.. Images(count)], batchSize, [InputPipeline.AsScored(Preprocessing)], epochs: 2, seed);

    private static StoredImage<byte>[] Images(int count) =>
        [.. Enumerable.Range(0, count).Select(i => new StoredImage<byte>(new[] { (byte)i, (byte)i, (byte)i, (byte)i }, 2, 2, i, 1))];

    private static long[] Labels(BatchLoader<byte> loader, int epoch) =>
        [.. loader.Epoch(epoch).SelectMany(batch => batch.LabelValues[..batch.Count].ToArray())];

    private sealed class Failing : IAugmentation
    {
        public void Apply<T>(in StoredImage<T> image, Span<float> output, Random random)
            where T : unmanaged, System.Numerics.INumberBase<T> => throw new InvalidOperationException("no");
    }
}
