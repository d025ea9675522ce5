using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Packages.Tests.Pages;

/// <summary>Does literally what the pages for newcomers say, with packages as they are built now.</summary>
public sealed class PagesTests : IDisposable
{
    private const string Start = "getting-started";

    private readonly ReadersMachine _machine = new();

    public void Dispose() => _machine.Dispose();

    // One after the other, for the template's page goes on from the other's folder.
    [SkippableFact]
    public void GettingStartedAndThenTheTemplateWorkToTheLetter()
    {
        Skip.IfNot(PackageFeed.Platform == "linux-x64", "The pages' commands are those of Linux.");
        BringPhotos("cat", "dog");

        // The photos are put where the page says when its first step has made the folder.
        var steps = PageSteps.Read("docs/getting-started.md");
        var started = _machine.Follow([steps[0], "mv ../photos .\n", .. steps[1..]]).Succeeded();

        Assert.Contains(started.Lines, line => line.StartsWith("accuracy ", StringComparison.Ordinal));
        Assert.Matches(@"^photos/test/cat/1\.jpg: (cat|dog) \(\d+ ?%\)$", started.Lines[^1]);
        Assert.True(new FileInfo(InStart("model.zip")).Length > 100_000);
        Assert.Contains("<html", File.ReadAllText(InStart("report.html")));
        Assert.Equal(4, Directory.GetFiles(InStart("feed"), "*.nupkg").Length);
        Assert.All([PackageFeed.Core, PackageFeed.Trainers], id => Assert.Equal(PackedBytes(id), UsedBytes(id)));

        var made = _machine.Follow(PageSteps.Read("samples/Templates/README.md"), from: Start).Succeeded();

        Assert.Contains(made.Lines, line => line.StartsWith("test accuracy ", StringComparison.Ordinal));
        Assert.Equal("photos/test/cat/1.jpg", made.Lines[^3]);
        Assert.Equal(["cat", "dog"], made.Lines[^2..].Select(line => line.Split(':')[0]).Order());
        Assert.True(File.Exists(InStart("MLModel.mlnet")));
    }

    private void BringPhotos(params string[] classes)
    {
        foreach (var (part, count, seed) in new[] { ("train", 12, 1), ("test", 3, 2) })
        {
            var folder = Path.Combine(_machine.Folder, "photos", part);
            Pictures.Write(folder, count, height: 48, width: 64, seed, classes.Length);
            foreach (var (drawn, name) in Pictures.ClassNames.Zip(classes))
            {
                Directory.Move(Path.Combine(folder, drawn), Path.Combine(folder, name));
                foreach (var (index, file) in Directory.GetFiles(Path.Combine(folder, name)).Order(StringComparer.Ordinal).Index())
                {
                    File.Move(file, Path.Combine(folder, name, $"{index + 1}.jpg")); // what is in a file decides, not its name
                }
            }
        }
    }

    private string InStart(string path) => Path.Combine(_machine.Folder, Start, path);

    private byte[] PackedBytes(string id) => File.ReadAllBytes(InStart($"feed/{id}.{PackageFeed.Release}.nupkg"));

    private byte[] UsedBytes(string id)
    {
        var name = id.ToLowerInvariant();
        return File.ReadAllBytes(Path.Combine(_machine.Unpacked, name, PackageFeed.Release, $"{name}.{PackageFeed.Release}.nupkg"));
    }
}
