using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Trainers.Tests.Parity;

namespace Microsoft.ML.ResNet.Trainers.Tests.Analysis;

/// <summary>Published CIFAR-10 networks, on 300 test images.</summary>
public sealed class PublishedNetworksTests : IDisposable
{
    private static readonly string[] ClassNames =
    [
        "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
    ];

    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableFact]
    public void TheDeeperNetworkRespondsLess()
    {
        var images = Images();
        using var shallow = Network("resnet20-12fca82f.th", ResNetArchitecture.ResNet20, images);
        using var deep = Network("resnet56-4bfd9763.th", ResNetArchitecture.ResNet56, images);

        var (ofShallow, ofDeep) = (shallow.LayerResponses(images), deep.LayerResponses(images));

        Assert.Equal((19, 55), (ofShallow.Length, ofDeep.Length));
        Assert.True(Median(ofDeep) < Median(ofShallow), $"resnet20 {Median(ofShallow)}, resnet56 {Median(ofDeep)}"); // 0.41 and 0.66

        static double Median(IReadOnlyCollection<LayerResponse> responses) =>
            responses.Select(each => each.StandardDeviation).Order().ElementAt(responses.Count / 2);
    }

    [SkippableFact]
    public void MoreViewsAreAsAccurateAndMoreCertain()
    {
        var images = Images();
        using var model = Network("resnet20-12fca82f.th", ResNetArchitecture.ResNet20, images);

        var scored = _ml.MulticlassClassification.Evaluate(model.Transform(images));
        var single = model.Evaluate(images, TestTimeViews.Single);

        Assert.Equal(scored.MicroAccuracy, single.MicroAccuracy);
        Assert.Equal(scored.LogLoss, single.LogLoss, tolerance: 1e-4);
        foreach (var views in (TestTimeViews[])[TestTimeViews.Flip, TestTimeViews.TenCrop])
        {
            var averaged = model.Evaluate(images, views);
            Assert.Equal(single.MicroAccuracy, averaged.MicroAccuracy, tolerance: 0.03);
            Assert.True(averaged.LogLoss < single.LogLoss, $"{views}: {averaged.LogLoss}, not below {single.LogLoss}");
        }
    }

    private IDataView Images()
    {
        RealImagesTests.Extract("data/cifar10-jpeg-test.zip", _folder.Path, perClass: 30);
        return Classifiers.Labeled(_ml, _folder.Path, ClassNames);
    }

    private ResNetClassificationTransformer Network(string file, ResNetArchitecture architecture, IDataView images) =>
        _ml.Transforms.ApplyResNet(
            ResNetWeights.Load(Repository.Shared($"weights/{file}")), architecture, ClassNames, preprocessing: ImagePreprocessing.Cifar10)
            .Fit(images);
}
