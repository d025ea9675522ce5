namespace Benchmarks.Report;

/// <summary>Where the program was built.</summary>
internal static class Checkout
{
    public static string Root { get; } = Find();

    public static string Docs => Path.Combine(Root, "docs");

    private static string Find()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "ResNet.MLNet.sln")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException(
                "The benchmarks write to docs/ of the repository that they were built in, and were not built in one.");
        }

        return folder;
    }
}
