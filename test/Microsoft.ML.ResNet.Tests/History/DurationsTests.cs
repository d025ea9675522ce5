using Microsoft.ML.ResNet.History;

namespace Microsoft.ML.ResNet.Tests.History;

public sealed class DurationsTests
{
    [Theory]
    [InlineData(0, "0 s")]
    [InlineData(1.524, "1.52 s")]
    [InlineData(9.996, "10 s")]
    [InlineData(59.4, "59 s")]
    [InlineData(59.7, "1 min")]
    [InlineData(706, "11 min 46 s")]
    [InlineData(3599.9, "1 h 0 min")]
    [InlineData(7500, "2 h 5 min")]
    [InlineData(180_000, "50 h 0 min")]
    public void Times_have_two_units_at_most(double seconds, string text) =>
        Assert.Equal(text, Durations.Text(TimeSpan.FromSeconds(seconds)));
}
