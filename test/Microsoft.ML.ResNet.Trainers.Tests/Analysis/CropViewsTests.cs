using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Trainers.Analysis;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Tests.Analysis;

/// <summary>Where the crops are, by pictures whose pixels say where they are.</summary>
public sealed class CropViewsTests : IDisposable
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void LargeImagesAreCroppedFromEightSevenths(int cropBorder)
    {
        var data = Coordinates(side: 64);                                  // 8/7 of 56: it passes unchanged
        using var model = Create(data, new ImageShape(3, 56, 56), cropBorder);

        var views = Views(model, data, corners: true);

        Assert.Equal(
            [(0, 0), (8, 0), (0, 8), (8, 8), (4, 4)],
            views.Select(view => ((int)view[0, 0, 0, 0].item<float>(), (int)view[0, 1, 0, 0].item<float>())));
        Assert.All(views, view =>
        {
            Assert.Equal([1, 3, 56, 56], view.shape);
            Assert.Equal(55, (view[0, 0, 30, 55] - view[0, 0, 30, 0]).item<float>());
            Assert.Equal(55, (view[0, 1, 55, 30] - view[0, 1, 0, 30]).item<float>());
        });
    }

    [Fact]
    public void AWiderBorderThatTheModelCropsIsKept()
    {
        var data = Coordinates(side: 80);
        using var model = Create(data, new ImageShape(3, 56, 56), cropBorder: 12);

        Assert.Equal(
            [(0, 0), (24, 0), (0, 24), (24, 24), (12, 12)],
            Views(model, data, corners: true).Select(view => ((int)view[0, 0, 0, 0].item<float>(), (int)view[0, 1, 0, 0].item<float>())));
    }

    [Fact]
    public void SmallImagesGetTheBorderThatTheyAreTrainedWith()
    {
        var data = Coordinates(side: 16);
        using var model = Create(data, new ImageShape(3, 16, 16), cropBorder: 0, mean: 100);

        var views = Views(model, data, corners: true);

        // 2 = 16 / 8 pixels of zeros, after normalization; so the first pixel of the image is 2 right of and below the first crop's.
        var (first, last, centre) = (views[0], views[3], views[4]);
        Assert.All(views, view => Assert.Equal([1, 3, 16, 16], view.shape));
        Assert.Equal(0, first.narrow(2, 0, 2).abs().max().item<float>());
        Assert.Equal(0, first.narrow(3, 0, 2).abs().max().item<float>());
        Assert.Equal((0f - 100, 13f - 100), (first[0, 0, 2, 2].item<float>(), first[0, 0, 2, 15].item<float>()));
        Assert.Equal(0, last.narrow(2, 14, 2).abs().max().item<float>());
        Assert.Equal((2f - 100, 15f - 100), (last[0, 1, 0, 0].item<float>(), last[0, 1, 13, 0].item<float>()));
        Assert.Equal((0f - 100, 15f - 100), (centre[0, 0, 0, 0].item<float>(), centre[0, 0, 0, 15].item<float>()));
    }

    [Fact]
    public void WithoutCornersTheCentreIsWhatTheModelReads()
    {
        var data = Coordinates(side: 64);
        using var model = Create(data, new ImageShape(3, 56, 56), cropBorder: 4);

        var view = Assert.Single(Views(model, data, corners: false));

        Assert.Equal((4, 4), ((int)view[0, 0, 0, 0].item<float>(), (int)view[0, 1, 0, 0].item<float>()));
    }

    // Red is the column, green the row.
    private IDataView Coordinates(int side)
    {
        var rgb = Enumerable.Range(0, side * side).SelectMany(i => (byte[])[(byte)(i % side), (byte)(i / side), 0]).ToArray();
        using var image = Pictures.ToImage(rgb, side, side);
        image.Save(Path.Combine(Directory.CreateDirectory(_folder["lying"]).FullName, "coordinates.png"));
        return Classifiers.Labeled(_ml, _folder.Path);
    }

    private ResNetClassificationTransformer Create(IDataView data, ImageShape shape, int cropBorder, float mean = 0) =>
        Classifiers.Create(_ml, data, new ImagePreprocessing(shape, [mean, mean, mean], [1, 1, 1]) { CropBorder = cropBorder });

    private static Tensor[] Views(ResNetClassificationTransformer model, IDataView data, bool corners)
    {
        TorchRuntime.Initialize();
        return [.. new CropViews(model, corners).Read(data).SelectMany(batch => batch.Views.Select(view => view.clone()))];
    }
}
