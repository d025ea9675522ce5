using System.IO.Compression;
using System.Xml.Linq;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Packages.Tests;

[Collection(PackageCollection.Name)]
public sealed class PackageContentTests(PackageFeed feed)
{
    private static readonly string[] Parts = ["_rels/", "[Content_Types].xml", "package/"];

    [Theory]
    [InlineData(PackageFeed.Core)]
    [InlineData(PackageFeed.Trainers)]
    public void APackageHoldsTheLibraryItsDocumentationAndNothingNative(string id)
    {
        using var package = feed.Open(id);

        string[] expected =
        [
            $"{id}.nuspec", "PACKAGE.md", $"buildTransitive/{id}.targets", "icon.png", $"lib/net10.0/{id}.dll", $"lib/net10.0/{id}.xml",
        ];
        Assert.Equal(expected.Order(), package.Entries.Select(entry => entry.FullName).Where(name => !Parts.Any(name.StartsWith)).Order());
        Assert.InRange(package.GetEntry("icon.png")!.Length, 1, 20_000);
    }

    [Theory]
    [InlineData(PackageFeed.Core)]
    [InlineData(PackageFeed.Trainers)]
    public void SymbolsComeInAPackageOfTheirOwn(string id)
    {
        using var symbols = ZipFile.OpenRead(feed.PackagePath(id, "snupkg"));

        Assert.NotNull(symbols.GetEntry($"lib/net10.0/{id}.pdb"));
    }

    [Theory]
    [InlineData(PackageFeed.Core)]
    [InlineData(PackageFeed.Trainers)]
    public void APackageSaysWhatItIs(string id)
    {
        var metadata = Metadata(id);

        Assert.Equal(feed.Version, Value(metadata, "version"));
        Assert.Equal("MIT", Value(metadata, "license"));
        Assert.Equal("PACKAGE.md", Value(metadata, "readme"));
        Assert.Equal("icon.png", Value(metadata, "icon"));
        Assert.Contains("resnet", Value(metadata, "tags").Split(' '));
        Assert.NotEmpty(Value(metadata, "description"));
        var notes = Value(metadata, "releaseNotes");
        Assert.Contains(notes.Split('\n')[0].Trim(), File.ReadLines(Path.Combine(Repository.Root, "CHANGELOG.md")));
        Assert.Single(notes.Split('\n'), line => line.StartsWith("## ", StringComparison.Ordinal)); // of this version only
    }

    [Fact]
    public void TheCoreDependsOnNoTorchAndTheTrainersOnTheCore()
    {
        var (core, trainers) = (Dependencies(PackageFeed.Core), Dependencies(PackageFeed.Trainers));

        Assert.DoesNotContain(core.Keys, name => name.Contains("torch", StringComparison.OrdinalIgnoreCase));
        Assert.Equal(feed.Version, trainers[PackageFeed.Core]);
        Assert.Contains("TorchSharp", trainers.Keys);

        // Which libtorch and which ONNX Runtime is the application's choice. (Skia's natives are ML.NET's: ImageAnalytics brings them.)
        Assert.DoesNotContain(
            core.Keys.Concat(trainers.Keys),
            name => name.StartsWith("libtorch", StringComparison.OrdinalIgnoreCase) || name == "Microsoft.ML.OnnxRuntime");
        Assert.DoesNotContain(core.Keys.Concat(trainers.Keys), name => name.Contains("Analyzers", StringComparison.Ordinal));
    }

    [Fact]
    public void PackingTwiceGivesTheSameBytes()
    {
        feed.Pack(feed.File("again"));

        var packages = Directory.GetFiles(feed.File("feed"));
        Assert.Equal(4, packages.Length);
        Assert.All(packages, package =>
            Assert.Equal(File.ReadAllBytes(package), File.ReadAllBytes(Path.Combine(feed.File("again"), Path.GetFileName(package)))));
    }

    [Theory]
    [InlineData(PackageFeed.Core)]
    [InlineData(PackageFeed.Trainers)]
    public void TheReadmeNamesTheVersionsThatTheRepositoryTakes(string id)
    {
        using var package = feed.Open(id);
        using var reader = new StreamReader(package.GetEntry("PACKAGE.md")!.Open());
        var readme = reader.ReadToEnd();

        Assert.Contains($"<PackageReference Include=\"{id}\" Version=\"{PackageFeed.Release}\" />", readme);
        Assert.Contains(PackageFeed.Reference("Microsoft.ML.OnnxRuntime"), readme);
        Assert.Equal(
            id == PackageFeed.Trainers, readme.Contains(PackageFeed.Reference("libtorch-cpu-linux-x64"), StringComparison.Ordinal));
    }

    private XElement Metadata(string id)
    {
        using var package = feed.Open(id);
        using var nuspec = package.GetEntry($"{id}.nuspec")!.Open();
        return XDocument.Load(nuspec).Root!.Elements().Single(element => element.Name.LocalName == "metadata");
    }

    private Dictionary<string, string> Dependencies(string id) =>
        Metadata(id).Descendants().Where(element => element.Name.LocalName == "dependency")
            .ToDictionary(element => element.Attribute("id")!.Value, element => element.Attribute("version")!.Value);

    private static string Value(XElement metadata, string name) =>
        metadata.Elements().Single(element => element.Name.LocalName == name).Value;
}
