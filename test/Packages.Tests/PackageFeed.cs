using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Xml.Linq;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Packages.Tests;

/// <summary>
/// A feed with the packages as they are built now, and a folder for projects that use them. Packages of ours come from that feed only: they
/// have a version that no cache has seen, and a cache of their own. All others may come from where this machine keeps packages.
/// </summary>
public sealed class PackageFeed : IDisposable
{
    internal const string Core = "Microsoft.ML.ResNet";
    internal const string Trainers = "Microsoft.ML.ResNet.Trainers";

    private static readonly XDocument Central = XDocument.Load(Path.Combine(Repository.Root, "Directory.Packages.props"));
    private readonly TemporaryFolder _folder = new();
    private readonly Applications _applications;

    public PackageFeed()
    {
        _applications = new Applications(this);
        Pack(_folder["feed"]);
        Directory.CreateDirectory(MachinePackages);
        new XElement("configuration",
            new XElement("packageSources", new XElement("add", new XAttribute("key", "packed"), new XAttribute("value", _folder["feed"]))),
            new XElement("fallbackPackageFolders",
                new XElement("add", new XAttribute("key", "machine"), new XAttribute("value", MachinePackages))))
            .Save(_folder["NuGet.config"]);
    }

    /// <summary>Gets the version of the libraries, from its one place.</summary>
    internal static string Release { get; } = XDocument.Load(Path.Combine(Repository.Root, "Directory.Build.props"))
        .Descendants("Version")
        .Single().Value;

    /// <summary>Gets the version that the packages of this run have.</summary>
    internal string Version { get; } = $"{Release}-test.{Guid.NewGuid():n}";

    /// <summary>Gets the platform part of libtorch's package names.</summary>
    internal static string Platform { get; } =
        (OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : "linux")
        + $"-{RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant()}";

    /// <summary>Gets the folder where NuGet keeps the packages of this machine, unpacked and as they came.</summary>
    internal static string MachinePackages { get; } = Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } own
        ? own
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");

    internal string File(string name) => _folder[name];

    /// <summary>Packs both libraries, as they were built for these tests.</summary>
    internal void Pack(string output) =>
        Packing.Pack(output, Version, $"src/{Core}/{Core}.csproj", $"src/Trainers/{Trainers}.csproj");

    internal string PackagePath(string id, string? extension = null) =>
        Path.Combine(_folder["feed"], $"{id}.{Version}.{extension ?? "nupkg"}");

    internal ZipArchive Open(string id) => ZipFile.OpenRead(PackagePath(id));

    /// <summary>Gets the warnings of ours that the build of one of the <see cref="Applications"/> gave.</summary>
    internal string[] Warnings(string application) => _applications.Warnings(application);

    /// <summary>Builds a solution or a project, and gets what is said.</summary>
    internal string[] Build(string path)
    {
        string[] arguments = ["msbuild", _folder[path], "-restore", "-nologo", "-verbosity:minimal", "-tl:off", "-p:Configuration=Release"];
        return Dotnet(arguments, _folder.Path).Succeeded().Lines;
    }

    internal ProcessResult Run(string name, params string[] arguments) =>
        Dotnet([Path.Combine(Output(name), $"{name}.dll"), .. arguments], _folder.Path).Succeeded();

    internal string Output(string name) => _folder[Path.Combine(name, "bin", "Release", "net10.0")];

    internal static string Program(string name)
    {
        using var reader = new StreamReader(typeof(PackageFeed).Assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>Gets the line that adds a package to a project, in the version that the repository takes.</summary>
    internal static string Reference(string id) => $"<PackageReference Include=\"{id}\" Version=\"{CentralVersion(id)}\" />";

    internal string VersionOf(string id) => id is Core or Trainers ? Version : CentralVersion(id);

    private static string CentralVersion(string id) =>
        Central.Descendants("PackageVersion")
            .SingleOrDefault(package => package.Attribute("Include")!.Value == id)?.Attribute("Version")!.Value
        ?? throw new ArgumentException($"Directory.Packages.props has no version of '{id}'.", nameof(id));

    private ProcessResult Dotnet(string[] arguments, string folder) => SampleProcess.Run("dotnet", arguments, input: null, folder,
        ("NUGET_PACKAGES", _folder["packages"]),
        ("MSBUILDDISABLENODEREUSE", "1"),
        ("DOTNET_CLI_UI_LANGUAGE", "en"));
}
