using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Interop;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Tests.Images;

/// <summary>
/// Finds LoadImages wherever it may be in the stages of a view: rows, columns and pixels stay as they were, and
/// the file that would end the process is refused.
/// </summary>
public sealed class LoadedImagesTests : IDisposable
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();

    public LoadedImagesTests() => Pictures.Write(_folder.Path, perClass: 8, height: 12, width: 16);

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string> Pipelines =>
        [
            "alone", "label after", "gray and small", "no path column", "same name", "folder", "split", "shuffled", "skipped", "filtered",
            "custom", "twice", "two columns",
        ];

    [Theory]
    [MemberData(nameof(Pipelines))]
    public void RowsAndPixelsStayAsTheyWere(string name)
    {
        var view = Make(name);

        var decoded = LoadedImages.DecodedBy(_ml.Transforms.GetEnvironment(), view, new ImageDecoder());

        Assert.True(LoadedImages.IsDecoded(decoded));
        Assert.Equal(
            view.Schema.Select(column => (column.Name, column.IsHidden, $"{column.Type}")),
            decoded.Schema.Select(column => (column.Name, column.IsHidden, $"{column.Type}")));
        var expected = Read(view);
        Assert.InRange(expected.Count, 3, 24);
        Assert.Equal(expected, Read(decoded));
        Assert.Equal(expected, ReadInParallel(decoded));
    }

    // ML.NET's ShuffleRows reads ahead, and keeps to itself what is thrown there.
    public static TheoryData<string> PipelinesThatThrow =>
        [.. ((IEnumerable<object[]>)Pipelines).Select(row => (string)row[0]).Where(name => name != "shuffled")];

    [Theory]
    [MemberData(nameof(PipelinesThatThrow))]
    public void AFileThatEndsMLNetsProcessIsNamed(string name)
    {
        foreach (var path in Directory.GetFiles(_folder.Path, "*.png", SearchOption.AllDirectories))
        {
            File.WriteAllBytes(path, ImageFiles.FatalBmp);
        }

        var decoded = LoadedImages.DecodedBy(_ml.Transforms.GetEnvironment(), Make(name), new ImageDecoder());

        Assert.Contains(".png' cannot be read: it is ", Assert.Throws<InvalidDataException>(() => Read(decoded)).Message);
    }

    [Fact]
    public void ViewsWithoutFilesStayThemselves()
    {
        IDataView[] views = [Pictures.Load(_ml, Pictures.Rows(1, 4, 4, 3)), Files(),
            _ml.Transforms.CopyColumns("Path", "ImagePath").Fit(Files()).Transform(Files())];

        Assert.All(views, view => Assert.Same(view, LoadedImages.DecodedBy(_ml.Transforms.GetEnvironment(), view, new ImageDecoder())));
    }

    // A filter by a lambda can be neither copied nor saved: what is beneath it cannot be reached.
    [Fact]
    public void AStageThatCannotBeAppliedAnewKeepsTheViewAsItIs()
    {
        var view = _ml.Data.FilterByCustomPredicate<ImageFolderRow>(Load(Files()), file => file.Label == "lying");

        Assert.Same(view, LoadedImages.DecodedBy(_ml.Transforms.GetEnvironment(), view, new ImageDecoder()));
        Assert.Equal(16, Read(view).Count);
    }

    private IDataView Files() => _ml.Data.LoadImageFolder(_folder.Path);

    private IDataView Load(IDataView files, string image = "Image", string? folder = null, string path = "ImagePath") =>
        _ml.Transforms.LoadImages(image, folder, path).Fit(files).Transform(files);

    private IDataView Make(string name)
    {
        var loaded = Load(Files());
        return name switch
        {
            "label after" => Apply(loaded, _ml.Transforms.Conversion.MapValueToKey("Label")),
            "gray and small" =>
                Apply(loaded, _ml.Transforms.ConvertToGrayscale("Image").Append(_ml.Transforms.ResizeImages("Image", 5, 4))),
            "no path column" => Apply(loaded, _ml.Transforms.SelectColumns("Image")),
            "same name" => Apply(Load(Files(), "ImagePath"), _ml.Transforms.CopyColumns("Image", "ImagePath")),
            "folder" => Load(
                _ml.Data.LoadFromEnumerable(
                    Directory.GetFiles(_folder["lying"]).Order().Select(path => new ImageFolderRow { ImagePath = Path.GetFileName(path) })),
                folder: _folder["lying"]),
            "split" => _ml.Data.TrainTestSplit(loaded, testFraction: 0.4, samplingKeyColumnName: "ImagePath", seed: 1).TrainSet,
            "shuffled" => _ml.Data.ShuffleRows(loaded, seed: 2),
            "skipped" => _ml.Data.TakeRows(_ml.Data.SkipRows(loaded, 2), 9),
            "filtered" =>
                _ml.Data.FilterRowsByKeyColumnFraction(Apply(loaded, _ml.Transforms.Conversion.MapValueToKey("Label")), "Label", 0, 0.5),
            "custom" => Apply(loaded, _ml.Transforms.CustomMapping<ImageFolderRow, Length>(
                (file, length) => length.Value = file.ImagePath.Length, contractName: null)),
            "twice" => Load(loaded, "Again"),
            "two columns" => Apply(
                Load(Apply(loaded, _ml.Transforms.CopyColumns("Other", "ImagePath")), "Second", path: "Other"),
                _ml.Transforms.DropColumns("Other")),
            _ => loaded,
        };
    }

    private static IDataView Apply(IDataView view, IEstimator<ITransformer> stage) => stage.Fit(view).Transform(view);

    private static List<string> Read(IDataView view)
    {
        using var cursor = view.GetRowCursorSet(view.Schema, 1)[0];
        return ReadRows(cursor);
    }

    private static List<string> ReadInParallel(IDataView view)
    {
        var cursors = view.GetRowCursorSet(view.Schema, 3);
        var rows = new List<string>[cursors.Length];
        Parallel.For(0, cursors.Length, new ParallelOptions { MaxDegreeOfParallelism = cursors.Length }, i =>
        {
            using (cursors[i])
            {
                rows[i] = ReadRows(cursors[i]);
            }
        });
        return [.. rows.SelectMany(each => each).OrderBy(row => long.Parse(row.AsSpan(0, 5)))];
    }

    // The row's place, its id, and the pixels of its images.
    private static List<string> ReadRows(DataViewRowCursor cursor)
    {
        var (getId, rows) = (cursor.GetIdGetter(), new List<string>());
        var getImages = cursor.Schema.Where(column => column.Type is Microsoft.ML.Transforms.Image.ImageDataViewType)
            .Select(column => cursor.GetGetter<MLImage>(column))
            .ToArray();
        var images = new MLImage[getImages.Length];
        while (cursor.MoveNext())
        {
            var id = default(DataViewRowId);
            getId(ref id);
            for (var i = 0; i < images.Length; i++)
            {
                getImages[i](ref images[i]);
            }

            var shown = images.Select(image =>
            {
                var hash = Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(image.Pixels));
                return $"{image.Width}×{image.Height} {hash} {image.Tag}";
            });
            rows.Add($"{cursor.Position:d5} {id} {string.Join(' ', shown)}");
        }

        return rows;
    }

    private sealed class Length
    {
        public int Value { get; set; }
    }
}
