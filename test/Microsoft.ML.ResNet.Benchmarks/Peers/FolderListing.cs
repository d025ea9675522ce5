using System.Diagnostics;

namespace Benchmarks.Peers;

/// <summary>Lists a folder of class folders through <c>LoadImageFolder</c>, and reads all rows of paths and labels.</summary>
internal sealed record FolderListing(string Folder)
{
    public static readonly Peer<FolderListing, ListingResult> Peer = new("list", List);

    private static ListingResult List(FolderListing work)
    {
        var clock = Stopwatch.StartNew();
        var ml = new MLContext(seed: 1);
        var images = ml.Data.CreateEnumerable<ImageFolderRow>(ml.Data.LoadImageFolder(work.Folder), reuseRowObject: true).Count();
        using var process = Process.GetCurrentProcess();
        return new ListingResult(images, clock.Elapsed.TotalSeconds, process.PeakWorkingSet64);
    }
}

/// <summary>Images listed, the seconds that it took, and the most memory of the process, in bytes.</summary>
internal sealed record ListingResult(int Images, double Seconds, long Peak);
