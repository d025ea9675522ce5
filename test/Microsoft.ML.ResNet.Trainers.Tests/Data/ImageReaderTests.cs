using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Trainers.Data;
using Microsoft.ML.Transforms.Image;

namespace Microsoft.ML.ResNet.Trainers.Tests.Data;

public sealed class ImageReaderTests : IDisposable
{
    private static readonly ImageColumn Column = new("Image", PixelSource.Image, new ImageShape(3, 20, 20));
    private static readonly ImagePreprocessing Preprocessing = new(Column.Shape, [1, 1, 1], [1, 1, 1]);

    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    // Files of 60×90 pixels, for a network that reads 20×20.
    [Theory]
    [InlineData(1.5, 30, 45)]
    [InlineData(480.0 / 224, 43, 65)]
    [InlineData(5, 60, 90)] // never enlarged
    public void WholeImagesAreReducedToTheScaleAskedFor(double keptScale, int height, int width)
    {
        Pictures.Write(_folder.Path, perClass: 1, height: 60, width: 90);
        using var store = new ImageStore<byte>(long.MaxValue, file: null);

        var images = Read(Files(), store, keptScale, whole: row => row < 2);

        Assert.Equal((height, width, height * width * 3), (images[0].Height, images[0].Width, images[0].Values.Length));
        Assert.Equal((height, width), (images[1].Height, images[1].Width));
        Assert.Equal((20, 20), (images[2].Height, images[2].Width));
    }

    [Fact]
    public void ImagesThatAreNotKeptAreDecodedAnewToTheSamePixels()
    {
        Pictures.Write(_folder.Path, perClass: 4, height: 60, width: 90);
        using var kept = new ImageStore<byte>(long.MaxValue, file: null);
        using var partly = new ImageStore<byte>(30 * 45 * 3 * 5, file: null)
        {
            Files = new(() => new SourceFiles<byte>(_ml, Column, Preprocessing, 1.5, new ImageDecoder())),
        };

        var (expected, images) =
            (Read(Files(), kept, 1.5, whole: row => row % 3 != 0), Read(Files(), partly, 1.5, whole: row => row % 3 != 0));

        Assert.InRange(partly.FileCount, 5, 11);
        Assert.All(Enumerable.Range(0, images.Count).Reverse(), i => Assert.Equal(expected[i].Pixels, images[i].Pixels));
        Assert.Equal(expected.Select(image => image.Label), images.Select(image => image.Label));
    }

    [Fact]
    public void AFileThatChangesOrGoesWhileItIsNeededIsNamed()
    {
        Pictures.Write(_folder.Path, perClass: 1, height: 60, width: 90);
        using var store = new ImageStore<byte>(0, file: null)
        {
            Files = new(() => new SourceFiles<byte>(_ml, Column, Preprocessing, 1.5, new ImageDecoder())),
        };
        var images = Read(Files(), store, 1.5, whole: _ => true);

        Pictures.Write(_folder.Path, perClass: 1, height: 60, width: 60);
        Assert.Contains("changed while it was trained on: it was 30×45", Assert.Throws<BadImageException>(() => images[1]).Message);
        Directory.Delete(_folder.Path, recursive: true);
        Assert.Contains(".png", Assert.Throws<BadImageException>(() => images[0]).Message);
        Directory.CreateDirectory(_folder.Path);
    }

    [Fact]
    public void ImagesThatAreNotTheirFilesCannotBeDecodedAnew()
    {
        Pictures.Write(_folder.Path, perClass: 1, height: 60, width: 90);
        var files = Files();
        var gray = _ml.Transforms.ConvertToGrayscale("Image").Fit(files).Transform(files); // the tag is still that of the file
        using var store = new ImageStore<byte>(0, file: null)
        {
            Files = new(() => new SourceFiles<byte>(_ml, Column, Preprocessing, 1.5, new ImageDecoder())),
        };

        var exception = Assert.Throws<InvalidOperationException>(() => Read(gray, store, 1.5, whole: _ => true));

        Assert.Contains("Image column 'Image' must be kept, but CacheBytes allows 0 bytes in memory", exception.Message);
    }

    [Fact]
    public void RowsOfAnyOrderFindTheirImages()
    {
        Pictures.Write(_folder.Path, perClass: 4, height: 20, width: 20);
        using var store = new ImageStore<byte>(long.MaxValue, file: null);
        var files = Files();
        var shuffled = _ml.Data.ShuffleRows(_ml.Data.LoadImageFolder(_folder.Path), seed: 3);
        var images = _ml.Transforms.LoadImages("Image", null, "ImagePath").Fit(shuffled).Transform(shuffled);

        var (inOrder, read) = (Read(files, store, 1, _ => false), Read(images, store, 1, _ => false));

        var order = files.GetColumn<string>("ImagePath").ToArray();
        var paths = images.GetColumn<string>("ImagePath").ToArray();
        Assert.NotEqual(order, paths);
        Assert.All(Enumerable.Range(0, paths.Length), i => Assert.Equal(inOrder[Array.IndexOf(order, paths[i])].Pixels, read[i].Pixels));
    }

    // ML.NET splits no such view; each cursor has images of its own.
    [Fact]
    public void ImagesThatAViewHoldsItselfAreThoseOfTheirRows()
    {
        byte[][] pictures = [.. Enumerable.Range(0, 40).Select(i => Pictures.Draw(i % 3, 20, 20, 3, new Random(i)))];
        var view = _ml.Data.LoadFromEnumerable(pictures.Select(pixels => new Held { Image = Pictures.ToImage(pixels, 20, 20) }));
        using var store = new ImageStore<byte>(long.MaxValue, file: null);

        var images = Read(view, store, 1, whole: row => row % 2 == 0);

        Assert.Equal(pictures, images.Select(image => image.Pixels.ToArray()));
    }

    [Fact]
    public void OfBadImagesTheFirstIsNamedAndAllAreSkipped()
    {
        Pictures.Write(_folder.Path, perClass: 15, height: 60, width: 90);
        string[] bad = ["lying/012.png", "standing/001.png", "standing/002.png"];
        Array.ForEach(bad, name => File.WriteAllText(_folder[name], "not an image"));
        using var store = new ImageStore<byte>(long.MaxValue, file: null);
        var files = Files();

        Assert.All(
            Enumerable.Range(0, 5),
            _ => Assert.Contains("012.png", Assert.Throws<BadImageException>(() => Read(files, store, 1.5, whole: row => true)).Message));
        var skipping = new ImageReader<byte>(_ml, Column, Preprocessing, 1.5, store, BadImageHandling.Skip, new ImageDecoder(),
            CancellationToken.None).Read(files, Rows(files), whole: row => true);
        Assert.Equal([27, 31, 32], Enumerable.Range(0, skipping.Length).Where(row => !skipping[row].IsRead));
    }

    private IDataView Files()
    {
        var files = _ml.Data.LoadImageFolder(_folder.Path);
        return _ml.Transforms.LoadImages("Image", null, "ImagePath").Fit(files).Transform(files);
    }

    private ImageSet<byte> Read(IDataView data, ImageStore<byte> store, double keptScale, Func<int, bool> whole)
    {
        var reader = new ImageReader<byte>(
            _ml, Column, Preprocessing, keptScale, store, BadImageHandling.Fail, new ImageDecoder(), CancellationToken.None);
        return new ImageSet<byte>(store, reader.Read(data, Rows(data), whole));
    }

    private static LabeledRow[] Rows(IDataView data)
    {
        using var cursor = data.GetRowCursor([]);
        var (getId, rows) = (cursor.GetIdGetter(), new List<LabeledRow>());
        while (cursor.MoveNext())
        {
            var id = default(DataViewRowId);
            getId(ref id);
            rows.Add(new LabeledRow(id, rows.Count, 1));
        }

        return [.. rows];
    }

    private sealed class Held
    {
        [ImageType(20, 20)]
        public MLImage Image { get; set; } = null!;
    }
}
