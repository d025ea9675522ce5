using System.Net;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.TestSupport;
using static Microsoft.ML.ResNet.Tests.Images.Cifar10Archives;

namespace Microsoft.ML.ResNet.Tests.Images;

public sealed class Cifar10Tests : IDisposable
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("cifar-10-binary.tar.gz", "cifar-10-binary.tar.gz")]
    [InlineData("any.name", "any.name")]
    [InlineData("bin/data.tar", "bin/data.tar")]
    [InlineData("cifar-10-batches-bin/", "cifar-10-batches-bin")]
    [InlineData("cifar-10-batches-bin/", "")]
    [InlineData("files/", "files")]
    public void LoadsTheBinaryVersionHoweverItLies(string form, string path)
    {
        Write(form);

        var (train, test) = _ml.Data.LoadCifar10(_folder[path]);

        AssertIs(train, [.. Cifar10Batch.TrainFiles]);
        AssertIs(test, "test_batch.bin");
    }

    [Fact]
    public void LoadsFoldersOfImagesWithTheSameColumns()
    {
        WriteImages();
        Write("data.tar");

        var images = _ml.Data.LoadCifar10(_folder.Path);
        var binary = _ml.Data.LoadCifar10(_folder["data.tar"]);

        Assert.All(binary.Train.Schema, column => Assert.Equal(column.Type, images.Train.Schema[column.Name].Type));
        Assert.Equal((20, 10), (images.Train.GetRowCount(), images.Test.GetRowCount()));
        Assert.Equal(Cifar10.ClassNames.SelectMany(name => new[] { name, name }), images.Train.GetColumn<string>("Label"));
        Assert.Equal(Cifar10.ClassNames, images.Test.GetColumn<string>("Label"));
        Assert.StartsWith(_folder["test"], images.Test.GetColumn<string>("ImagePath").First());
        var expected = Enumerable.Range(0, 20).Select(i => Pictures.ToPlanar(Picture(i), 3));
        Assert.Equal(expected, Pixels(images.Train));
    }

    [Fact]
    public void ResizesImagesOfOtherSizes()
    {
        WriteImages(size: 48);

        Assert.All(Pixels(_ml.Data.LoadCifar10(_folder.Path).Test), pixels => Assert.Equal(3 * 32 * 32, pixels.Length));
    }

    [Fact]
    public void KeysByValueAreThePublishedLabels()
    {
        Write("files/");
        var test = _ml.Data.LoadCifar10(_folder["files"]).Test;

        var keys = _ml.Transforms.Conversion.MapValueToKey("Label",
            keyOrdinality: Transforms.ValueToKeyMappingEstimator.KeyOrdinality.ByValue).Fit(test).Transform(test).GetColumn<uint>("Label");

        Assert.Equal(Enumerable.Range(0, RecordsPerFile).Select(i => (uint)(i % 10 + 1)), keys);
    }

    [Fact]
    public void SaysWhereNothingIs()
    {
        Assert.Contains(
            "There is no CIFAR-10 at 'no/such/data'",
            Assert.Throws<FileNotFoundException>(() => _ml.Data.LoadCifar10("no/such/data")).Message);
        Assert.Throws<ArgumentException>(() => _ml.Data.LoadCifar10(""));
    }

    [Fact]
    public void SaysWhatAFolderMustHold()
    {
        Directory.CreateDirectory(_folder["train/airplane"]);

        var message = Assert.Throws<InvalidDataException>(() => _ml.Data.LoadCifar10(_folder.Path)).Message;

        Assert.StartsWith($"Folder '{_folder.Path}' holds neither data_batch_1.bin, ", message);
        Assert.EndsWith(
            "nor a folder cifar-10-batches-bin with them, nor folders train and test with an image folder for each class.", message);
    }

    [Fact]
    public void NamesTheFileThatIsMissingOrWrong()
    {
        Write("cifar-10-batches-bin/");
        var path = Path.Combine(_folder["cifar-10-batches-bin"], "data_batch_3.bin");
        System.IO.File.WriteAllBytes(path, File("data_batch_3.bin")[1..]);
        Assert.StartsWith(
            $"This is no CIFAR-10: '{path}' is 92,189 bytes long",
            Assert.Throws<InvalidDataException>(() => _ml.Data.LoadCifar10(_folder.Path)).Message);

        System.IO.File.Delete(path);
        Assert.StartsWith($"'{path}' is missing", Assert.Throws<FileNotFoundException>(() => _ml.Data.LoadCifar10(_folder.Path)).Message);
    }

    [Fact]
    public void RefusesImageFoldersOfOtherClasses()
    {
        WriteImages();
        Directory.Move(_folder["test/cat"], _folder["test/cats"]);

        var message = Assert.Throws<InvalidDataException>(() => _ml.Data.LoadCifar10(_folder.Path)).Message;

        Assert.Contains("but has them for airplane, automobile, bird, cats,", message);
        Assert.Contains("LoadImageFolder reads other classes", message);
    }

    [Fact]
    public void UnpacksNothingToTheDisk()
    {
        Write("a/data.tar.gz");

        _ml.Data.LoadCifar10(_folder["a/data.tar.gz"]);

        Assert.Equal(
            [_folder["a"], Path.Combine(_folder["a"], "data.tar.gz")],
            Directory.EnumerateFileSystemEntries(_folder.Path, "*", SearchOption.AllDirectories).Order());
    }

    [Fact]
    public void DownloadsFromTheAuthorsAndTakesOnlyWhatTheyPublished()
    {
        using var client = new HttpClient(new Server(Gzip(Tar(Entries()))));

        var message = Assert.Throws<InvalidDataException>(() => _ml.Data.DownloadCifar10(client: client, folder: _folder.Path)).Message;

        Assert.StartsWith(
            "What 'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz' gave is not the file that was published: it is ", message);
        Assert.Contains("not 170,052,171", message);
        Assert.Empty(Directory.EnumerateFiles(_folder.Path));
    }

    private void Write(string form)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_folder[form])!);
        if (form.EndsWith('/'))
        {
            foreach (var name in Cifar10Batch.Files)
            {
                System.IO.File.WriteAllBytes(_folder[form + name], File(name));
            }
        }
        else
        {
            var tar = Tar(Entries());
            System.IO.File.WriteAllBytes(_folder[form], form.EndsWith(".tar", StringComparison.Ordinal) ? tar : Gzip(tar));
        }
    }

    // Two images of a class to train on, one to test.
    private void WriteImages(int size = 32)
    {
        for (var label = 0; label < Cifar10.ClassNames.Length; label++)
        {
            foreach (var (set, number) in (ReadOnlySpan<(string, int)>)[("train", 0), ("train", 1), ("test", 0)])
            {
                var folder = Directory.CreateDirectory(_folder[$"{set}/{Cifar10.ClassNames[label]}"]).FullName;
                using var image = Pictures.ToImage(Picture(2 * label + number, size), size, size);
                image.Save(Path.Combine(folder, $"{number:d4}.png"));
            }
        }
    }

    private static byte[] Picture(int seed, int size = 32) => Pictures.Draw(seed % 3, size, size, 3, new Random(seed));

    private IEnumerable<byte[]> Pixels(IDataView view) =>
        _ml.Transforms.ExtractPixels("Pixels", "Image", outputAsFloatArray: false).Fit(view).Transform(view).GetColumn<byte[]>("Pixels");

    private void AssertIs(IDataView view, params string[] files)
    {
        var expected = files.SelectMany(name => File(name).Chunk(Cifar10Batch.RecordLength)).ToArray();
        Assert.Equal(expected.Length, view.GetRowCount());
        Assert.Equal(expected.Select(record => Cifar10.ClassNames[record[0]]), view.GetColumn<string>("Label"));
        Assert.Equal(expected.Select(record => record[1..]), Pixels(view));
    }

    private sealed class Server(byte[] content) : HttpMessageHandler
    {
        protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken) =>
            new(HttpStatusCode.OK) { Content = new ByteArrayContent(content) };

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult(Send(request, cancellationToken));
    }
}
