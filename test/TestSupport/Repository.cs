namespace Microsoft.ML.ResNet.TestSupport;

/// <summary>Finds the checkout that the tests were built from, and the data beside it that only developers have.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    /// <summary>Gets the path of a file beside the checkout; skips the test where there is none.</summary>
    public static string Shared(string path)
    {
        var full = Path.Combine(Root, "..", "shared", path);
        Skip.IfNot(File.Exists(full), $"../shared/{path} is not on this machine");
        return full;
    }

    private static string FindRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "ResNet.MLNet.sln")))
        {
            folder = Path.GetDirectoryName(folder)
                ?? throw new InvalidOperationException("The tests were not built inside the repository.");
        }

        return folder;
    }
}
