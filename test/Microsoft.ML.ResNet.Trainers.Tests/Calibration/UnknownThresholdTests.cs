using System.Numerics.Tensors;
using Microsoft.ML.ResNet.Trainers.Calibration;

namespace Microsoft.ML.ResNet.Trainers.Tests.Calibration;

public sealed class UnknownThresholdTests
{
    private const int Classes = 3;

    [Theory]
    [InlineData(0.05, 1)]
    [InlineData(0.05, 2.5)]
    [InlineData(0.3, 0.5)]
    [InlineData(0.001, 1)] // less than one image: none may be rejected
    [InlineData(0.999, 1)]
    public void It_is_the_highest_that_rejects_no_more_than_the_share(double share, double temperature)
    {
        var logits = Logits();
        var probabilities = new float[Classes];
        var largest = logits.Chunk(Classes).Select(row =>
        {
            TemperatureScaling.Apply(row, temperature, probabilities);
            return TensorPrimitives.Max<float>(probabilities);
        }).ToArray();

        var threshold = UnknownThreshold.Fit(logits, Classes, temperature, share);

        var allowed = (int)(share * largest.Length);
        Assert.Equal(allowed, largest.Count(each => each <= threshold));
        Assert.Equal(allowed + 1, largest.Count(each => each <= MathF.BitIncrement(threshold)));
    }

    [Fact]
    public void Of_images_with_the_same_probability_all_are_accepted() =>
        Assert.Equal(
            MathF.BitDecrement(0.5f), UnknownThreshold.Fit([.. Enumerable.Repeat(1f, 40)], classes: 2, temperature: 1, share: 0.5));

    private static float[] Logits()
    {
        var random = new Random(1);
        return [.. Enumerable.Range(0, 200 * Classes).Select(_ => 6 * random.NextSingle())];
    }
}
