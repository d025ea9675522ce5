using Benchmarks.Report;

namespace Docs;

public sealed class BenchmarkPageTests
{
    private static readonly string[] Order = ["train", "score"];

    [Fact]
    public void ASectionReplacesOnlyItself()
    {
        var page = PageSections.Replace("", "old header", Order, "score", "## Scoring\n\n10");
        page = PageSections.Replace(page, "header", Order, "train", "## Training\n\n20");
        page = PageSections.Replace(page, "header", Order, "train", "## Training\n\n30\n");

        Assert.Equal(
            "header\n\n<!-- begin train -->\n## Training\n\n30\n<!-- end train -->\n\n"
            + "<!-- begin score -->\n## Scoring\n\n10\n<!-- end score -->\n",
            page);
    }

    [Fact]
    public void ARemarkStays()
    {
        const string Remark = "<!-- remark -->\nBecause of the cache.\n<!-- end remark -->";
        var page = PageSections.Replace("", "header", Order, "train", $"## Training\n\n20\n\n{Remark}");
        page = PageSections.Replace(page, "header", Order, "train", "## Training\n\n30");

        Assert.Contains($"30\n\n{Remark}\n<!-- end train -->", page);
        Assert.DoesNotContain("20", page);
        Assert.Equal(page, PageSections.Replace(page, "header", Order, "train", "## Training\n\n30"));
    }

    [Fact]
    public void RatiosAreOfTheSameRepeat()
    {
        Assert.Equal(2, Statistics.MedianRatio([10, 200, 6], [5, 100, 2]));
        Assert.Equal(2.5, Statistics.MedianRatio([10, null, 6], [5, 100, 2]));
        Assert.Null(Statistics.MedianRatio([null], [1]));
    }

    [Fact]
    public void ThePowerOfGrowthIsFound() => Assert.Equal(1.5, Statistics.Exponent([(1, 2), (4, 16), (9, 54)]), precision: 10);
}
