using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Weights;

namespace Microsoft.ML.ResNet.Tests.Weights;

public sealed class PretrainedWeightsTests : IDisposable
{
    private readonly TemporaryFolder _program = new();
    private readonly TemporaryFolder _cache = new();

    public void Dispose()
    {
        _program.Dispose();
        _cache.Dispose();
    }

    [Fact]
    public void WhatIsNotHereNamesThePackageAndTheDownload()
    {
        var message = Assert.Throws<FileNotFoundException>(() => Find("resnet18")).Message;

        Assert.Equal(
            "The pretrained weights 'resnet18' are not on this machine: add the package Microsoft.ML.DnnImageFeaturizer.ResNet18 to the "
            + "program (dotnet add package Microsoft.ML.DnnImageFeaturizer.ResNet18), or download them once, with "
            + "ResNetWeights.Download(\"resnet18.imagenet1k_v1\").",
            message);
    }

    [Theory]
    [InlineData("resnet50", "resnet50.imagenet1k_v2")]
    [InlineData("ResNet50.imagenet1k_v1", "resnet50.imagenet1k_v1")]
    [InlineData("resnet20", "resnet20.cifar10")]
    public void WithoutAPackageOnlyTheDownloadIsNamed(string name, string published)
    {
        var message = Assert.Throws<FileNotFoundException>(() => Find(name)).Message;

        Assert.Contains($"ResNetWeights.Download(\"{published}\")", message);
        Assert.DoesNotContain("package", message);
    }

    [Fact]
    public void AnUnknownNameListsThoseThereAre()
    {
        var message = Assert.Throws<ArgumentException>(() => Find("resnet19")).Message;

        Assert.Contains("no pretrained weights 'resnet19'", message);
        Assert.Contains("resnet18, resnet34, resnet50", message);
    }

    /// <summary>The file of the CIFAR network is one that was published, so it stands for a download that was made before.</summary>
    [SkippableFact]
    public void WhatWasDownloadedIsFound()
    {
        var published = PublishedWeights.Parse("resnet20.cifar10");
        var file = Repository.Shared($"weights/{published.FileName}");
        Skip.IfNot(File.Exists(file), "the published file is not here");
        File.Copy(file, _cache[published.FileName]);

        var weights = Find("resnet20");

        Assert.Same(ResNetArchitecture.ResNet20, weights.Architecture);
        Assert.Equal(ImagePreprocessing.Cifar10.Mean, weights.Preprocessing!.Mean);
    }

    [Fact]
    public void ADamagedDownloadIsNotTaken()
    {
        File.WriteAllText(_cache[PublishedWeights.Parse("resnet20.cifar10").FileName], "cut short");

        Assert.Throws<FileNotFoundException>(() => Find("resnet20"));
    }

    [Fact]
    public void WhatAPackagePutBesideTheProgramComesFirst()
    {
        Directory.CreateDirectory(_program["DnnImageModels/ResNet18Onnx"]);
        File.WriteAllText(_program["DnnImageModels/ResNet18Onnx/ResNet18.onnx"], "no network");
        Assert.Throws<FileNotFoundException>(() => Find("resnet18")); // half of a package is none

        Directory.CreateDirectory(_program["DnnImageModels/ResNetPrepOnnx"]);
        File.WriteAllText(_program["DnnImageModels/ResNetPrepOnnx/ResNetPreprocess.onnx"], "no preprocessing");
        Assert.Contains("ResNet18.onnx' is a text", Assert.Throws<InvalidDataException>(() => Find("resnet18")).Message);
    }

    private ResNetWeights Find(string name) => PretrainedWeights.Find(name, _program.Path, _cache.Path);
}
