using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Tests.Data;

public sealed class NormalizationTests
{
    private static readonly ImageShape Shape = new(2, 1, 3);

    [Fact]
    public void SubtractsTheMeanOfTheChannelAndDividesByItsDeviation()
    {
        float[] pixels = [10, 100, 20, 200, 30, 300]; // channels last

        new Normalization(new ImagePreprocessing(Shape, [10, 100], [2, 4])).Apply(pixels);

        Assert.Equal([0, 0, 5, 25, 10, 50], pixels);
    }

    [Fact]
    public void SubtractsAMeanImageWhichIsPlanar()
    {
        float[] pixels = [10, 100, 20, 200, 30, 300];

        new Normalization(new ImagePreprocessing(Shape, [10, 20, 30, 100, 200, 290], [1, 2])).Apply(pixels);

        Assert.Equal([0, 0, 0, 0, 0, 5], pixels);
    }
}
