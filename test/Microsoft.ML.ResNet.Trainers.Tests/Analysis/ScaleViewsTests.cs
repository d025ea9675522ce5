using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Trainers.Analysis;

namespace Microsoft.ML.ResNet.Trainers.Tests.Analysis;

public sealed class ScaleViewsTests : IDisposable
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();

    public ScaleViewsTests() => TorchRuntime.Initialize();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void AreWholeImagesWhoseShorterSidesAreThePapers()
    {
        Write("lying", height: 300, width: 400);
        var data = Classifiers.Labeled(_ml, _folder.Path);
        using var model = Classifiers.Create(_ml, data, Classifiers.Preprocessing(new ImageShape(3, 224, 224)));

        var shapes = new ScaleViews(model, TestTimeViews.MultiScale().ShorterSides).Read(data)
            .SelectMany(batch => batch.Views.Select(view => view.shape))
            .ToArray();

        Assert.Equal([[1, 3, 224, 299], [1, 3, 256, 341], [1, 3, 384, 512], [1, 3, 480, 640], [1, 3, 640, 853]], shapes);
    }

    [Theory]
    [InlineData(32, 32, 32, 32)]
    [InlineData(64, 32, 64, 32)]
    [InlineData(20, 30, 32, 48)]
    public void AreRelativeToTheNetworksInput(int height, int width, int scaledHeight, int scaledWidth)
    {
        var data = Pictures.Load(_ml, Pictures.Rows(1, 32, 32, 3));
        using var model = Classifiers.Create(_ml, data, Classifiers.Preprocessing(new ImageShape(3, 32, 32)), imageColumn: "Bytes");

        var sizes = new ScaleViews(model, [224, 256, 448]).Sizes(height, width);

        Assert.Equal(
            [(scaledHeight, scaledWidth), ((int)Math.Round(scaledHeight * 256 / 224.0), (int)Math.Round(scaledWidth * 256 / 224.0)),
                (2 * scaledHeight, 2 * scaledWidth)],
            sizes);
    }

    [Fact]
    public void CutABannerDownToFourToOne()
    {
        Write("lying", height: 16, width: 4000);
        var data = Classifiers.Labeled(_ml, _folder.Path);
        using var model = Classifiers.Create(_ml, data, Classifiers.Preprocessing(TrainingData.Shape));

        var views = new ScaleViews(model, [224, 448]).Read(data).SelectMany(batch => batch.Views.Select(view => view.shape)).ToArray();

        Assert.Equal([[1, 3, 16, 64], [1, 3, 32, 128]], views);
    }

    [Fact]
    public void BatchImagesOfOneSizeAndKeepTheirOrder()
    {
        Write("lying", height: 20, width: 30);
        Write("lying", height: 20, width: 30);
        Write("lying", height: 40, width: 30);
        Write("lying", height: 20, width: 30);
        var data = Classifiers.Labeled(_ml, _folder.Path);
        using var model = Classifiers.Create(_ml, data, Classifiers.Preprocessing(TrainingData.Shape));
        var views = TestTimeViews.MultiScale(224, 320);

        Assert.Equal([2, 1, 1], new ScaleViews(model, views.ShorterSides).Read(data).Select(batch => batch.Count));
        var together = Classifiers.Scores(model.Transform(data, views));
        var alone = Enumerable.Range(0, 4).SelectMany(row =>
            Classifiers.Scores(model.Transform(_ml.Data.TakeRows(row == 0 ? data : _ml.Data.SkipRows(data, row), 1), views))).ToArray();
        Classifiers.AssertClose(alone, together, tolerance: 1e-6);
        Assert.NotEqual(together[0], together[1]);
    }

    private void Write(string name, int height, int width)
    {
        var folder = Directory.CreateDirectory(_folder[name]).FullName;
        var number = Directory.GetFiles(folder).Length;
        using var image = Pictures.ToImage(Pictures.Draw(number % 3, height, width, 3, new Random(number)), height, width);
        image.Save(Path.Combine(folder, $"{number}.png"));
    }
}
