namespace Microsoft.ML.ResNet.Tests.Architecture;

public sealed class ResNetArchitectureTests
{
    [Fact]
    public void ParsesEveryNameOfTheTable() =>
        Assert.All(
            ResNetArchitecture.All,
            architecture => Assert.Same(architecture, ResNetArchitecture.Parse(architecture.Name.ToUpperInvariant())));

    [Fact]
    public void ListsTheNamesWhereOneIsUnknown()
    {
        var exception = Assert.Throws<ArgumentException>(() => ResNetArchitecture.Parse("resnet19"));

        Assert.Contains("'resnet19'", exception.Message);
        Assert.Contains("resnet18, resnet34", exception.Message);
    }

    [Theory]
    [InlineData("resnet18", 32, 224)]
    [InlineData("resnet152", 32, 224)]
    [InlineData("resnet20", 4, 32)]
    public void KnowsItsImageSizes(string name, int minimum, int usual)
    {
        var architecture = ResNetArchitecture.Parse(name);

        Assert.Equal(minimum, architecture.MinimumImageSize);
        Assert.Equal(usual, architecture.DefaultImageSize);
    }
}
