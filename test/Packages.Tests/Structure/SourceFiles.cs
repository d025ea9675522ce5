using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Packages.Tests.Structure;

/// <summary>The C# files of the repository.</summary>
internal static class SourceFiles
{
    private static readonly string[] Outputs = ["bin", "obj"];
    private static readonly string[] Folders = ["src", "samples", "test"];

    /// <summary>Gets the files of the libraries, the samples and the tests.</summary>
    public static IEnumerable<string> All => Folders.SelectMany(folder => Below(Path.Combine(Repository.Root, folder)));

    /// <summary>Gets the scripts, styles and pages of the libraries and the samples, but for those of others.</summary>
    public static IEnumerable<string> Web => Folders
        .SelectMany(folder => Below(Path.Combine(Repository.Root, folder), ".js", ".css", ".html"))
        .Where(path => !path.Split(Path.DirectorySeparatorChar).Contains("vendor"));

    /// <summary>Gets the files of a folder and those in it, but no output of a build.</summary>
    public static IEnumerable<string> Below(string root) => Below(root, ".cs");

    private static IEnumerable<string> Below(string root, params string[] endings) => Directory
        .EnumerateFiles(root, "*", SearchOption.AllDirectories)
        .Where(path => endings.Contains(Path.GetExtension(path)))
        .Where(path => !Path.GetRelativePath(root, path).Split(Path.DirectorySeparatorChar).Intersect(Outputs).Any())
        .Order(StringComparer.Ordinal);
}
