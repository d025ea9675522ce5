using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Tests.Images;

public sealed class ImageFolderTests
{
    private readonly MLContext _ml = new(seed: 1);

    [Fact]
    public void ListsImagesByClassAndPathAndSkipsWhatIsHidden()
    {
        using var folder = new TemporaryFolder();
        foreach (var path in (string[])["b/2.jpg", "b/10.PNG", "a/deep/er/1.webp", "a/z.gif", "a/.hidden.png", "a/notes.txt", ".git/x.png",
            "loose.png", "b/.thumbs/y.png"])
        {
            Directory.CreateDirectory(Path.GetDirectoryName(folder[path])!);
            File.WriteAllBytes(folder[path], []);
        }

        var rows = _ml.Data.CreateEnumerable<ImageFolderRow>(_ml.Data.LoadImageFolder(folder.Path), reuseRowObject: false).ToArray();

        Assert.Equal(["a", "a", "b", "b"], rows.Select(row => row.Label));
        Assert.Equal(
            ["a/deep/er/1.webp", "a/z.gif", "b/10.PNG", "b/2.jpg"],
            rows.Select(row => Path.GetRelativePath(folder.Path, row.ImagePath).Replace('\\', '/')));
    }

    [Fact]
    public void OpensNoImageAndListsOnce()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["a"]);
        File.WriteAllBytes(folder["a/1.png"], []);
        var view = _ml.Data.LoadImageFolder(folder.Path);
        File.WriteAllBytes(folder["a/2.png"], []); // lazy: still seen

        Assert.Equal(2, _ml.Data.CreateEnumerable<ImageFolderRow>(view, false).Count());
        File.Delete(folder["a/1.png"]);            // listed: the view does not change under a reader
        Assert.Equal(2, _ml.Data.CreateEnumerable<ImageFolderRow>(view, false).Count());
    }

    [SkippableFact]
    public void FollowsNoLinkToAFolder()
    {
        Skip.If(OperatingSystem.IsWindows(), "links need a privilege there");
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["a"]);
        File.WriteAllBytes(folder["a/1.png"], []);
        Directory.CreateSymbolicLink(folder["a/loop"], folder.Path);

        Assert.Single(_ml.Data.CreateEnumerable<ImageFolderRow>(_ml.Data.LoadImageFolder(folder.Path), false));
    }

    [Fact]
    public void NamesAFolderThatIsNotThere() =>
        Assert.Contains(
            "'no/such/folder'", Assert.Throws<DirectoryNotFoundException>(() => _ml.Data.LoadImageFolder("no/such/folder")).Message);

    [Fact]
    public void AFileIsNoFolder()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["photo.jpg"], []);

        var exception = Assert.Throws<DirectoryNotFoundException>(() => _ml.Data.LoadImageFolder(folder["photo.jpg"]));

        Assert.Equal(
            $"'{folder["photo.jpg"]}' is a file, but must be a folder with a sub-folder of images for each class.", exception.Message);
    }

    [Fact]
    public void SaysHowAFolderMustLook()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["loose.png"], []);
        var view = _ml.Data.LoadImageFolder(folder.Path);

        var exception = Assert.Throws<InvalidOperationException>(() => _ml.Data.CreateEnumerable<ImageFolderRow>(view, false).ToArray());

        Assert.Contains("Each class needs a sub-folder", exception.Message);
    }
}
