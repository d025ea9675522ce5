using System.Xml.Linq;

namespace Microsoft.ML.ResNet.Packages.Tests;

/// <summary>Projects of strangers that use the packages, built together at their first use, in one process of MSBuild.</summary>
internal sealed class Applications(PackageFeed feed)
{
    private static readonly string s_libtorch = $"libtorch-cpu-{PackageFeed.Platform}";

    private readonly Lock _gate = new();
    private readonly List<string> _names = [];
    private string[]? _lines;

    /// <summary>Gets the warnings of ours that the build of a project gave.</summary>
    public string[] Warnings(string name)
    {
        lock (_gate)
        {
            _lines ??= BuildAll();
        }

        Assert.Contains(name, _names);
        return [.. _lines.Where(line => line.Contains("warning RESNET", StringComparison.Ordinal)
            && line.EndsWith($"{Path.DirectorySeparatorChar}{name}.csproj]", StringComparison.Ordinal))];
    }

    private string[] BuildAll()
    {
        Create("Train", [PackageFeed.Trainers, s_libtorch, "Microsoft.ML.OnnxRuntime"], PackageFeed.Program("Train"));
        Create(
            "Predict",
            ["Microsoft.ML", "Microsoft.ML.ImageAnalytics", "Microsoft.ML.OnnxTransformer", "Microsoft.ML.OnnxRuntime"],
            PackageFeed.Program("Predict"));
        Create("Library", [PackageFeed.Trainers], program: null);

        // The packages reach it through the library, which itself says nothing.
        Create("Application", [], project: "Library");
        Create("Unchecked", [], project: "Library", properties: ("ResNetCheckNativePackages", "false"));
        Create("OnMac", [], project: "Library", properties: [("RuntimeIdentifier", "osx-arm64"), ("SelfContained", "false")]);
        Create("Score", [PackageFeed.Core]);
        Create("ScoreWithRuntime", [PackageFeed.Core, "Microsoft.ML.OnnxRuntime"]);
        Create(
            "ScoreOnWindows", [PackageFeed.Core, "Microsoft.ML.OnnxRuntime"],
            properties: [("RuntimeIdentifier", "win-x64"), ("SelfContained", "false")]);

        new XElement("Solution", _names.Select(name => new XElement("Project", new XAttribute("Path", $"{name}/{name}.csproj"))))
            .Save(feed.File("Applications.slnx"));
        return feed.Build("Applications.slnx");
    }

    // References packages by name, in the versions that the repository takes.
    private void Create(
        string name, string[] packages, string? program = "return 0;", string? project = null,
        params (string Name, string Value)[] properties)
    {
        _names.Add(name);
        Directory.CreateDirectory(feed.File(name));
        new XElement("Project", new XAttribute("Sdk", "Microsoft.NET.Sdk"),
            new XElement("PropertyGroup",
                new XElement("TargetFramework", "net10.0"),
                new XElement("OutputType", program is null ? "Library" : "Exe"),
                new XElement("UseAppHost", false), // run by dotnet: other platforms' hosts need not be fetched
                new XElement("CreateHardLinksForCopyLocalIfPossible", true), // libtorch has half a gigabyte
                new XElement("ImplicitUsings", "enable"),
                new XElement("Nullable", "enable"),
                properties.Select(property => new XElement(property.Name, property.Value))),
            new XElement("ItemGroup",
                packages.Select(id =>
                    new XElement("PackageReference", new XAttribute("Include", id), new XAttribute("Version", feed.VersionOf(id)))),
                project is null ? null : new XElement("ProjectReference", new XAttribute("Include", $"../{project}/{project}.csproj"))))
            .Save(feed.File($"{name}/{name}.csproj"));
        if (program is not null)
        {
            File.WriteAllText(feed.File($"{name}/Program.cs"), program);
        }
    }
}
