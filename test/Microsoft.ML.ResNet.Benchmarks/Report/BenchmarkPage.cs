namespace Benchmarks.Report;

/// <summary>docs/BENCHMARKS.md: a header that tells of the machine, and a section for each command.</summary>
internal static class BenchmarkPage
{
    private static readonly string[] Order = ["train", "score", "predict", "featurize", "data", "shards", "memory", "growth"];

    private const string Introduction =
        "# Benchmarks\n\n"
        + "The library against what a user would pick instead, side by side in one run. "
        + "A ratio is the median over alternated repeats of (ours ÷ theirs), each\n"
        + "competitor in a process of its own; absolute figures are medians, of this machine, and no promise. "
        + "✓ and ✗ tell whether a figure reaches what the\n"
        + "project set out to reach. To measure again:\n\n"
        + "```bash\n"
        + "dotnet run -c Release --project test/Microsoft.ML.ResNet.Benchmarks -- all   "
        + "# or train, score, predict, featurize, data, shards, memory, growth\n"
        + "```\n\n"
        + "`--data` and `--photos` name folders of small images and of photographs; without them, images are drawn. "
        + "`--quick` is coarse and takes minutes, not hours.\n"
        + "Each command replaces its own section, but for what stands between `<!-- remark -->` and `<!-- end remark -->`.";

    private static string PathInCheckout => Path.Combine(Checkout.Docs, "BENCHMARKS.md");

    /// <summary>Writes a section, and the header.</summary>
    public static void Replace(string name, Section section)
    {
        var page = File.Exists(PathInCheckout) ? File.ReadAllText(PathInCheckout) : "";
        File.WriteAllText(
            PathInCheckout, PageSections.Replace(page, $"{Introduction}\n\n{Machine.ToMarkdown()}", Order, name, section.ToMarkdown()));
    }
}
