using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Tests.Data;

public sealed class PixelStatisticsTests
{
    [Fact]
    public void MeasuresEachChannelOverAllPixels()
    {
        // Channel 0: 0, 10, 20, 30. Channel 1: always 7.
        ImageSet<byte> images = [new(new byte[] { 0, 7, 10, 7 }, 1, 2, 0, 1), new(new byte[] { 20, 7, 30, 7 }, 2, 1, 0, 1)];

        var statistics = PixelStatistics.Measure<byte>(images, channels: 2);

        Assert.Equal([15f, 7f], statistics.Mean.AsEnumerable());
        Assert.Equal(Math.Sqrt(125), statistics.StandardDeviation[0], tolerance: 1e-5);
        Assert.Equal(1, statistics.StandardDeviation[1]); // and not zero
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void SumsOfBytesAreExact(int channels)
    {
        // Long enough for the sums of parts to be collected several times, bright enough for them to be full.
        var (random, sums) = (new Random(1), new PixelSums(channels));
        byte[][] images = [.. new[] { 0, 1, 9, 16, 500, 40_000 }.Select(pixels => new byte[pixels * channels])];
        foreach (var image in images)
        {
            random.NextBytes(image);
            image.AsSpan(image.Length / 2).Fill(255);
            sums.Add(image);
        }

        var both = new PixelSums(channels);
        both.Add(sums);
        both.Add(sums);

        for (var channel = 0; channel < channels; channel++)
        {
            long[] values = [.. images.SelectMany(image => image.Where((_, i) => i % channels == channel)).Select(value => (long)value)];
            Assert.Equal((2 * values.Sum(), 2 * values.Sum(value => value * value)), (both.Sums[channel], both.Squares[channel]));
        }
    }
}
