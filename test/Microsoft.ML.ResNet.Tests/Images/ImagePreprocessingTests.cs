namespace Microsoft.ML.ResNet.Tests.Images;

public sealed class ImagePreprocessingTests
{
    [Theory]
    [InlineData(288, 288, 21)]
    [InlineData(288, 400, 21)] // of the shorter side
    [InlineData(112, 112, 8)]
    public void AnotherSizeCutsOffAsMuchInProportion(int height, int width, int border)
    {
        var other = ImagePreprocessing.ImageNetV1.ForInput(new ImageShape(3, height, width));

        Assert.Equal(new ImageShape(3, height, width), other.Input);
        Assert.Equal(border, other.CropBorder);
        Assert.Equal(ImagePreprocessing.ImageNetV1.Mean, other.Mean);
        Assert.Equal(ImagePreprocessing.ImageNetV1.StandardDeviation, other.StandardDeviation);
    }

    [Fact]
    public void AMeanImageBecomesTheMeanOfEachChannel()
    {
        var preprocessing = new ImagePreprocessing(new ImageShape(2, 2, 2), [1, 2, 3, 6, 10, 20, 30, 40], [4, 5]) { Supersampling = 2 };

        var other = preprocessing.ForInput(new ImageShape(2, 5, 3));

        Assert.Equal([3f, 25f], other.Mean.AsEnumerable());
        Assert.Equal([4f, 5f], other.StandardDeviation.AsEnumerable());
        Assert.Equal(2, other.Supersampling);
    }

    [Fact]
    public void TheSameSizeChangesNothing() =>
        Assert.Same(ImagePreprocessing.Cifar10, ImagePreprocessing.Cifar10.ForInput(new ImageShape(3, 32, 32)));

    [Fact]
    public void OtherChannelsAreRefused()
    {
        var exception = Assert.Throws<ArgumentException>(() => ImagePreprocessing.Cifar10.ForInput(new ImageShape(1, 28, 28)));

        Assert.Contains("they must have 3 channels", exception.Message);
    }
}
