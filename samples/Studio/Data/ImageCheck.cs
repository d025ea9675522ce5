using System.Collections.Concurrent;
using System.Security.Cryptography;
using Microsoft.ML.ResNet;
using Samples;
using Studio.Hosting;

namespace Studio.Data;

/// <summary>How far the check of the images is, and what it found.</summary>
/// <param name="IsRunning">Whether it goes on.</param>
/// <param name="Done">The images checked.</param>
/// <param name="Total">The images to check.</param>
/// <param name="Unreadable">Images that cannot be read, and why.</param>
/// <param name="Duplicates">Images with the same content, in groups.</param>
/// <param name="Leaks">Those groups of which some are trained on and others tested on.</param>
/// <param name="Conflicts">Those groups of which the images are in different classes.</param>
internal sealed record CheckResult(
    bool IsRunning, int Done, int Total, UnreadableImage[] Unreadable, string[][] Duplicates, string[][] Leaks, string[][] Conflicts)
{
    public static readonly CheckResult None = new(false, 0, 0, [], [], [], []);
}

/// <summary>An image that cannot be read.</summary>
internal sealed record UnreadableImage(string Image, string Reason);

/// <summary>Reads every image once: which cannot be read, and which are the same.</summary>
internal sealed class ImageCheck(ImageProject project, EventStream events, ILogger<ImageCheck> log) : IDisposable
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(300);

    private readonly ConcurrentDictionary<string, Known> _known = [];
    private readonly Lock _gate = new();
    private CancellationTokenSource _stop = new();
    private CheckResult _result = CheckResult.None;

    public CheckResult Result
    {
        get
        {
            lock (_gate)
            {
                return _result;
            }
        }
    }

    /// <summary>Begins anew, in the background. What is known of a file that did not change is not read again.</summary>
    public void Start()
    {
        CancellationToken cancellation;
        lock (_gate)
        {
            _stop.Cancel();
            _stop.Dispose();
            _stop = new CancellationTokenSource();
            cancellation = _stop.Token;
        }

        var listing = project.Current;
        _ = Task.Run(() =>
        {
            try
            {
                Run(listing, cancellation);
            }
            catch (OperationCanceledException)
            {
                // Another check has begun.
            }
            catch (Exception exception)
            {
                log.LogError(exception, "The check of the images failed.");
            }
        }, CancellationToken.None);
    }

    /// <summary>Gets the hash of an image's content.</summary>
    public string HashOf(string image) => Look(image, decodes: false).Hash;

    /// <summary>Gets whether an image can be read.</summary>
    public bool IsReadable(string image) => Look(image, decodes: true).Problem is null;

    public void Dispose() => _stop.Cancel();

    private void Run(Listing listing, CancellationToken cancellation)
    {
        var images = listing.All().ToArray();
        var (done, last) = (0, Environment.TickCount64);
        Publish(CheckResult.None with { IsRunning = true, Total = images.Length }, cancellation);
        Parallel.ForEach(images, new ParallelOptions
        {
            CancellationToken = cancellation,
            MaxDegreeOfParallelism = Math.Max(1, Environment.ProcessorCount / 2), // the page is served meanwhile
        }, each =>
        {
            Look(each.Image, decodes: true);
            var now = Interlocked.Increment(ref done);
            var before = Interlocked.Read(ref last);
            if (Environment.TickCount64 - before > s_pause.TotalMilliseconds
                && Interlocked.CompareExchange(ref last, Environment.TickCount64, before) == before)
            {
                Publish(CheckResult.None with { IsRunning = true, Done = now, Total = images.Length }, cancellation);
            }
        });
        var known = images.Select(each => (each.Image, each.Class, each.Part, Known: Look(each.Image, decodes: true))).ToArray();
        var groups = known.Where(each => each.Known.Hash.Length > 0).GroupBy(each => each.Known.Hash).Where(group => group.Count() > 1)
            .ToArray();
        Publish(
            new CheckResult(
                false, images.Length, images.Length,
                [.. known.Where(each => each.Known.Problem is not null)
                    .Select(each => new UnreadableImage(each.Image, each.Known.Problem!))],
                [.. groups.Select(group => group.Select(each => each.Image).ToArray())],
                [.. groups.Where(group => group.DistinctBy(each => each.Part).Count() > 1)
                    .Select(group => group.Select(each => each.Image).ToArray())],
                [.. groups.Where(group => group.DistinctBy(each => each.Class).Count() > 1)
                    .Select(group => group.Select(each => each.Image).ToArray())]),
            cancellation);
    }

    private Known Look(string image, bool decodes)
    {
        try
        {
            var file = new FileInfo(project.PathOf(image));
            var stamp = (file.Length, file.LastWriteTimeUtc);
            var known = _known.GetValueOrDefault(image);
            if (known is not null && known.Stamp == stamp && (known.IsDecoded || !decodes))
            {
                return known;
            }

            var hash = known is not null && known.Stamp == stamp ? known.Hash : Hash(file.FullName);
            return _known[image] = new Known(stamp, hash, decodes, decodes ? ProblemOf(file.FullName, image) : null);
        }
        catch (Exception exception) when (exception is RefusedException or IOException or UnauthorizedAccessException)
        {
            return new Known(default, "", decodes, ErrorWords.Of(exception)); // gone meanwhile
        }
    }

    private static string Hash(string path)
    {
        using var stream = File.OpenRead(path);
        return Convert.ToHexString(SHA256.HashData(stream));
    }

    private static string? ProblemOf(string path, string image)
    {
        try
        {
            ResNetImage.Load(path).Dispose();
            return null;
        }
        catch (Exception exception) when (exception is InvalidDataException or IOException)
        {
            return ErrorWords.Of(exception).Replace(path, image, StringComparison.Ordinal);
        }
    }

    private void Publish(CheckResult result, CancellationToken cancellation)
    {
        lock (_gate)
        {
            cancellation.ThrowIfCancellationRequested();
            _result = result;
        }

        events.Send("check", result);
    }

    private sealed record Known((long Length, DateTime Written) Stamp, string Hash, bool IsDecoded, string? Problem);
}
