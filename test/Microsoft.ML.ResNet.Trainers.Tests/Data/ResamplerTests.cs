using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Tests.Data;

public sealed class ResamplerTests
{
    [Fact]
    public void TheSameSizeIsTheSameImage()
    {
        byte[] pixels = [.. Enumerable.Range(0, 5 * 4 * 3).Select(i => (byte)(i * 7))];

        Assert.Equal(pixels.Select(value => (float)value), Resize(pixels, 5, 4, 3, CropWindow.Whole(5, 4), 5, 4));
    }

    [Fact]
    public void TakesTheChannelsAskedForInTheirOrder()
    {
        byte[] bgra = [1, 2, 3, 255, 4, 5, 6, 255];
        var target = new float[6];

        Resampler.Resize(new SourcePixels<byte>(bgra, 1, 2, 4, [2, 1, 0]), target, 1, 2);

        Assert.Equal([3, 2, 1, 6, 5, 4], target);
    }

    [Fact]
    public void ReducingAveragesEveryPixel()
    {
        // A fine checkerboard: picking pixels would give 0 or 200, averaging gives grey.
        byte[] pixels = [.. Enumerable.Range(0, 64 * 64).Select(i => (byte)((i % 64 + i / 64) % 2 * 200))];

        Assert.All(Resize(pixels, 64, 64, 1, CropWindow.Whole(64, 64), 8, 8), value => Assert.Equal(100, value, tolerance: 2));
    }

    [Fact]
    public void EnlargingInterpolatesBetweenPixels()
    {
        // Centres of 4 pixels over 2: a quarter outside, then 1/4 and 3/4 of the way between; as Pillow's BILINEAR gives.
        Assert.Equal([0, 25, 75, 100], Resize([0, 100], 1, 2, 1, CropWindow.Whole(1, 2), 1, 4));
    }

    [Fact]
    public void AConstantImageStaysConstantUnderAnyCrop()
    {
        var random = new Random(1);
        byte[] pixels = [.. Enumerable.Repeat((byte)77, 31 * 17)];
        for (var i = 0; i < 200; i++)
        {
            var (height, width) = (1 + random.NextDouble() * 30, 1 + random.NextDouble() * 16);
            var crop = new CropWindow(random.NextDouble() * (17 - width), random.NextDouble() * (31 - height), width, height);

            Assert.All(
                Resize(pixels, 31, 17, 1, crop, 1 + random.Next(40), 1 + random.Next(40)),
                value => Assert.Equal(77, value, tolerance: 1e-3));
        }
    }

    [Fact]
    public void RoundsToBytes()
    {
        float[] values =
        [
            -3, -0.5f, 0, 0.49f, 0.5f, 1.5f, 2.5f, 254.5f, 254.51f, 255, 255.5f, 300, .. Enumerable.Range(0, 40).Select(i => i + 0.25f),
        ];
        byte[] expected = [0, 0, 0, 0, 0, 2, 2, 254, 255, 255, 255, 255, .. Enumerable.Range(0, 40).Select(i => (byte)i)];
        for (var start = 0; start < values.Length; start++)
        {
            var bytes = new byte[values.Length - start];
            Resampler.Round(values.AsSpan(start), bytes);
            Assert.Equal(expected[start..], bytes);
        }
    }

    [Fact]
    public void ToBytesItGivesItsFloatsRounded()
    {
        var (pixels, floats, rounded, bytes) =
            (new byte[31 * 47 * 4], new float[20 * 13 * 3], new byte[20 * 13 * 3], new byte[20 * 13 * 3]);
        new Random(1).NextBytes(pixels);

        Resampler.Resize(new SourcePixels<byte>(pixels, 31, 47, 4, [2, 1, 0]), floats, 20, 13);
        Resampler.Round(floats, rounded);
        Resampler.Resize(new SourcePixels<byte>(pixels, 31, 47, 4, [2, 1, 0]), bytes, 20, 13);

        Assert.Equal(rounded, bytes);
    }

    // Every way of computing it gives the same bits: trained networks depend on them.
    [Theory]
    [InlineData(1, new[] { 0 })]
    [InlineData(3, new[] { 0, 1, 2 })]
    [InlineData(4, new[] { 2, 1, 0 })]
    [InlineData(4, new[] { 0, 1, 2 })]
    [InlineData(4, new[] { 3, 1 })]
    public void GivesTheBitsOfThePlainSum(int stride, int[] channels)
    {
        var random = new Random(1);
        for (var i = 0; i < 60; i++)
        {
            var (height, width, targetHeight, targetWidth) =
                (1 + random.Next(40), 1 + random.Next(40), 1 + random.Next(40), 1 + random.Next(40));
            var (cropHeight, cropWidth) = (height * (0.1 + 0.9 * random.NextDouble()), width * (0.1 + 0.9 * random.NextDouble()));
            var crop = new CropWindow(
                random.NextDouble() * (width - cropWidth), random.NextDouble() * (height - cropHeight), cropWidth, cropHeight);
            var pixels = new byte[height * width * stride];
            random.NextBytes(pixels);
            var floats = Array.ConvertAll(pixels, value => (float)value);
            var fromBytes = new float[targetHeight * targetWidth * channels.Length];
            var fromFloats = new float[fromBytes.Length];

            Resampler.Resize(new SourcePixels<byte>(pixels, height, width, stride, channels), crop, fromBytes, targetHeight, targetWidth);
            Resampler.Resize(new SourcePixels<float>(floats, height, width, stride, channels), crop, fromFloats, targetHeight, targetWidth);

            Assert.Equal(Plain(pixels, height, width, stride, channels, crop, targetHeight, targetWidth), fromBytes);
            Assert.Equal(fromBytes, fromFloats);
        }
    }

    private static float[] Plain(
        byte[] pixels, int height, int width, int stride, int[] channels, CropWindow crop, int targetHeight, int targetWidth)
    {
        var (across, result) = (new float[height, targetWidth, channels.Length], new float[targetHeight * targetWidth * channels.Length]);
        for (var i = 0; i < across.Length; i++)
        {
            var (y, x, c) = (i / channels.Length / targetWidth, i / channels.Length % targetWidth, i % channels.Length);
            foreach (var (from, weight) in Weights(crop.Left, crop.Width, width, targetWidth, x))
            {
                across[y, x, c] += weight * pixels[(y * width + from) * stride + channels[c]];
            }
        }

        for (var i = 0; i < result.Length; i++)
        {
            var (y, x, c) = (i / channels.Length / targetWidth, i / channels.Length % targetWidth, i % channels.Length);
            foreach (var (from, weight) in Weights(crop.Top, crop.Height, height, targetHeight, y))
            {
                result[i] = across[from, x, c] * weight + result[i];
            }
        }

        return result;
    }

    private static (int From, float Weight)[] Weights(double start, double length, int sourceSize, int targetSize, int at)
    {
        var scale = length / targetSize;
        var (center, support) = (start + (at + 0.5) * scale, Math.Max(scale, 1));
        double[] weights = [.. Enumerable.Range(0, sourceSize).Select(from => Math.Max(0, 1 - Math.Abs(from + 0.5 - center) / support))];
        var sum = weights.Where(weight => weight > 0).Sum(weight => weight);
        return [.. Enumerable.Range(0, sourceSize)
            .Where(from => weights[from] > 0)
            .Select(from => (from, (float)((float)weights[from] / sum)))];
    }

    private static float[] Resize(byte[] pixels, int height, int width, int channels, CropWindow crop, int targetHeight, int targetWidth)
    {
        var target = new float[targetHeight * targetWidth * channels];
        var source = new SourcePixels<byte>(pixels, height, width, channels, [.. Enumerable.Range(0, channels)]);
        Resampler.Resize(source, crop, target, targetHeight, targetWidth);
        return target;
    }
}
