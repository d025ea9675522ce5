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
}
