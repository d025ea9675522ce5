using Microsoft.ML.ResNet.Onnx;


namespace Microsoft.ML.ResNet.Tests.Onnx;

public sealed class ValueRangeTests
{
    [Theory]
    [InlineData(0, 2.55f, 0.01f, 0)]          // after ReLU
    [InlineData(1, 2.55f, 0.01f, 0)]          // zero is always in range
    [InlineData(-2.55f, 0, 0.01f, 255)]
    [InlineData(-1.28f, 1.27f, 0.01f, 128)]
    [InlineData(0, 0, 1, 0)]
    [InlineData(-1e-40f, 1e-40f, 1, 0)]
    public void ZeroIsExact(float minimum, float maximum, float scale, byte zeroPoint)
    {
        var range = new ValueRange(minimum, maximum);

        Assert.Equal(scale, range.Scale, tolerance: 1e-6f);
        Assert.Equal(zeroPoint, range.ZeroPoint);
    }
}
