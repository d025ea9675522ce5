using System.IO.Compression;
using System.Reflection;
using System.Xml.Linq;
using Studio.Training;

namespace Studio.Use;

/// <summary>Makes the web service of samples/WebApp, with a trained model in it, as a project of its own.</summary>
internal static class GeneratedService
{
    private const string Folder = "service/";
    private const string Name = "ImageService";
    private const string Project = "WebApp.csproj";

    // In this repository they stand in files above the project.
    private static readonly (string Name, string Value)[] s_inherited =
    [
        ("TargetFramework", "net10.0"), ("Nullable", "enable"), ("ImplicitUsings", "enable"), ("InvariantGlobalization", "true"),
        ("GenerateDocumentationFile", "true"), ("NoWarn", "$(NoWarn);CS1591"), // the comments describe the routes
    ];

    private static readonly Dictionary<string, string> s_versions = new()
    {
        ["Microsoft.ML.ResNet"] = PackageVersions.ResNet,
        ["Microsoft.ML.OnnxRuntime"] = PackageVersions.OnnxRuntime,
        ["Microsoft.AspNetCore.OpenApi"] = PackageVersions.OpenApi,
        ["SkiaSharp"] = PackageVersions.SkiaSharp,
    };

    /// <summary>Writes it as a zip file.</summary>
    public static void Write(Stream stream, TrainingRun run, string modelPath)
    {
        using var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true);
        var assembly = Assembly.GetExecutingAssembly();
        foreach (var resource in assembly.GetManifestResourceNames().Where(name => name.StartsWith(Folder, StringComparison.Ordinal))
            .Order())
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!);
            var (file, text) = (resource[Folder.Length..], reader.ReadToEnd());
            Add(zip, file == Project ? $"{Name}.csproj" : file, file == Project ? ProjectOf(text) : text);
        }

        Add(zip, "README.md", Readme(run));
        zip.CreateEntryFromFile(modelPath, $"{Name}/data/model.zip"); // where the service looks, beside the program
    }

    private static string ProjectOf(string text)
    {
        var project = XElement.Parse(text);
        project.DescendantNodes().OfType<XComment>().Remove();
        project.Descendants("WarnOnPackingNonPackableProject").Remove();
        project.Descendants("InternalsVisibleTo").Remove();
        project.Descendants("Content").Where(content => content.Attribute("Remove") is not null).Remove();
        project.Element("PropertyGroup")!.AddFirst(s_inherited.Select(each => new XElement(each.Name, each.Value)));
        foreach (var reference in project.Descendants("ProjectReference").ToArray())
        {
            var name = Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value.Replace('\\', '/'));
            reference.ReplaceWith(new XElement("PackageReference", new XAttribute("Include", name)));
        }

        foreach (var reference in project.Descendants("PackageReference"))
        {
            reference.SetAttributeValue("Version", s_versions[reference.Attribute("Include")!.Value]);
        }

        project.Elements("ItemGroup").First().Add(
            new XElement("Content", new XAttribute("Include", "data/**"), new XAttribute("CopyToOutputDirectory", "PreserveNewest")));
        return project.ToString();
    }

    private static string Readme(TrainingRun run) => $"""
        # {Name}

        A web service that tells images of the classes {string.Join(", ", run.Classes)} apart: an HTTP API, and a page to try it on.

            dotnet run -c Release

        Then open http://localhost:5000, or ask from a program:

            curl --data-binary @photo.jpg -H "Content-Type: image/jpeg" http://localhost:5000/predict
            curl http://localhost:5000/openapi/v1.json

        The second address describes all routes. The model is data/model.zip: replace it by another one of this library, and build again.
        ServiceOptions.cs has what can be set: sizes, places, times.
        "dotnet publish -c Release -o out" makes the folder that a server needs.
        The packages of ResNet.MLNet are needed in version {PackageVersions.ResNet}.
        {GeneratedProject.PackageSource}

        """;

    private static void Add(ZipArchive zip, string name, string text)
    {
        using var writer = new StreamWriter(zip.CreateEntry($"{Name}/{name}").Open());
        writer.Write(text.ReplaceLineEndings("\n"));
    }
}
