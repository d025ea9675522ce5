using System.Xml.Linq;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Packages.Tests.Pages;

/// <summary>
/// An empty folder in which pages are followed to the letter, on a machine that has no package of NuGet's yet. The packages that nuget.org
/// has come from where this machine keeps them: not as unpacked packages, but as a source, as nuget.org is one.
/// </summary>
internal sealed class ReadersMachine : IDisposable
{
    // Gigabytes when unpacked: these are taken as they lie there.
    private static readonly string[] Heavy = ["libtorch-cpu-linux-x64", "microsoft.ml.onnxruntime"];

    // The reader's clone is this one, which has been built already. Nothing else is replaced.
    private const string Clone = """
        set -eu
        dotnet() {
          if [ "$1 $2" = "pack ResNet.MLNet" ]; then
            shift 2
            command dotnet pack "$REPOSITORY" --no-build "${@/#Release/$CONFIGURATION}"
          else
            command dotnet "$@"
          fi
        }

        """;

    private readonly TemporaryFolder _folder = new();

    public ReadersMachine()
    {
        var packages = new DirectoryInfo(PackageFeed.MachinePackages).EnumerateDirectories();
        foreach (var package in packages.Where(package => !IsOurs(package.Name)))
        {
            var folder = Heavy.Contains(package.Name) ? "heavy" : "nuget.org";
            Directory.CreateDirectory(_folder[folder]);
            Directory.CreateSymbolicLink(_folder[Path.Combine(folder, package.Name)], package.FullName);
        }

        new XElement("configuration",
            new XElement("packageSources",
                new XElement("clear"),
                new XElement("add", new XAttribute("key", "nuget.org"), new XAttribute("value", _folder["nuget.org"]))),
            new XElement("fallbackPackageFolders",
                new XElement("add", new XAttribute("key", "heavy"), new XAttribute("value", _folder["heavy"]))))
            .Save(_folder["NuGet.config"]);
        Directory.CreateDirectory(Folder);
    }

    /// <summary>Gets the folder that the reader stands in at first.</summary>
    public string Folder => _folder["reader"];

    /// <summary>Gets the folder that NuGet unpacks packages into.</summary>
    public string Unpacked => _folder["packages"];

    /// <summary>Does what a page says.</summary>
    /// <param name="steps">The page's steps.</param>
    /// <param name="from">The folder that the reader stands in, from <see cref="Folder"/>.</param>
    public ProcessResult Follow(IEnumerable<string> steps, string from = "") => SampleProcess.Run(
        "bash", ["-c", Clone + string.Concat(steps)], input: null, Path.Combine(Folder, from),
        ("REPOSITORY", Repository.Root),
        ("CONFIGURATION", SampleProcess.Configuration),
        ("NUGET_PACKAGES", Unpacked),
        ("DOTNET_CLI_HOME", _folder["home"]), // templates are installed there
        ("DOTNET_CLI_UI_LANGUAGE", "en"),
        ("DOTNET_CLI_TELEMETRY_OPTOUT", "1"),
        ("DOTNET_NOLOGO", "1"),
        ("DOTNET_GENERATE_ASPNET_CERTIFICATE", "0"),
        ("MSBUILDDISABLENODEREUSE", "1"),
        ("CreateHardLinksForCopyLocalIfPossible", "true"));

    public void Dispose() => _folder.Dispose();

    private static bool IsOurs(string package) =>
        package.StartsWith("microsoft.ml.resnet", StringComparison.Ordinal) || package.StartsWith("resnet.", StringComparison.Ordinal);
}
