using static Microsoft.ML.ResNet.Tests.Shards.TestShards;

namespace Microsoft.ML.ResNet.Tests.Shards;

public sealed class ShardDownloadTests : IDisposable
{
    private const int Samples = 40;

    private static readonly string[] AllKeys = [.. Enumerable.Range(0, 2 * Samples).Select(number => $"s{number:d3}")];

    private readonly MLContext _ml = new(seed: 1);
    private readonly FlakyServer _server = new();

    public ShardDownloadTests()
    {
        for (var shard = 0; shard < 2; shard++)
        {
            _server.Files[$"/s-{shard}.tar"] = Content(shard * Samples, Samples);
        }
    }

    private static ImageShardOptions Options { get; } = new() { RetryDelay = TimeSpan.FromMilliseconds(1) };

    private string Shards => $"{_server.Address}/s-{{0..1}}.tar";

    public void Dispose() => _server.Dispose();

    [Fact]
    public void ShardsOnTheWebAreThoseOfFiles()
    {
        var view = _ml.Data.LoadImageShards(Shards, Options);

        Assert.Equal(AllKeys, Keys(view));
        Assert.Equal(Enumerable.Range(0, 2 * Samples).Select(number => 2 + number % 4), Widths(view));
        Assert.Equal(4, _server.Starts.Count(start => start == 0)); // two shards, twice
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ABrokenConnectionGoesOnFromItsByte(bool hasRanges)
    {
        (_server.BreaksAfter, _server.HasRanges) = (hasRanges ? 10_000 : 70_000, hasRanges);
        if (!hasRanges)
        {
            var connections = 0;
            _server.Version = () =>
            {
                _server.BreaksAfter = ++connections % 2 == 0 ? int.MaxValue : 30_000; // the second gives all, from the first byte on
                return "1";
            };
        }

        Assert.Equal(AllKeys, Keys(_ml.Data.LoadImageShards(Shards, Options)));

        // Each takes up where the one before broke off, and none of a shard's bytes comes twice.
        var starts = _server.Starts.ToArray();
        Assert.True(starts.Length > 3, $"{starts.Length} connections");
        Assert.All(starts.Where(start => start > 0), start => Assert.Equal(0, start % (hasRanges ? 10_000 : 30_000)));
        Assert.True(starts.Distinct().Count() > 1);
    }

    [Fact]
    public void ASilentConnectionIsBroken()
    {
        (_server.BreaksAfter, _server.Stalls) = (50_000, true);

        Assert.Equal(AllKeys, Keys(_ml.Data.LoadImageShards(Shards, Options with { ReadTimeout = TimeSpan.FromMilliseconds(250) })));
        Assert.Contains(50_000, _server.Starts);
    }

    [Fact]
    public void AServerThatIsBusyIsAskedAgain()
    {
        _server.Failures = 3;

        Assert.Equal(AllKeys, Keys(_ml.Data.LoadImageShards(Shards, Options)));
        Assert.Equal(5, _server.Starts.Count);
    }

    [Fact]
    public void AfterSomeTriesReadingFails()
    {
        _server.Failures = 100;

        var skipping = Options with { Retries = 2, OnBadImage = BadImageHandling.Skip }; // this is no damage
        var exception = Assert.Throws<IOException>(() => Keys(_ml.Data.LoadImageShards(Shards, skipping)));

        Assert.Contains($"Shard '{_server.Address}/s-0.tar' cannot be read past byte 0, and was tried 3 times", exception.Message);
        Assert.Equal(3, _server.Starts.Count);
    }

    [Fact]
    public void WhatIsNotThereIsNamedAtOnce()
    {
        var exception = Assert.ThrowsAny<IOException>(() => Keys(_ml.Data.LoadImageShards($"{_server.Address}/none.tar", Options)));

        Assert.Contains($"Shard '{_server.Address}/none.tar' cannot be fetched: the server answers 404", exception.Message);
        Assert.Single(_server.Starts);
    }

    [Fact]
    public void TwoVersionsDoNotBecomeOne()
    {
        var version = 0;
        (_server.BreaksAfter, _server.Version) = (10_000, () => $"{version++}");

        var exception = Assert.ThrowsAny<IOException>(() => Keys(_ml.Data.LoadImageShards(Shards, Options)));
        Assert.Contains("s-0.tar' was changed while it was read", exception.Message);
    }

    [Fact]
    public void ReadingGoesOnWithinAShardWithoutWhatIsBefore()
    {
        var options = Options with { Seed = 1, ShuffleBuffer = 10 };
        var view = _ml.Data.LoadImageShards(Shards, options);
        var keys = Keys(view);
        _server.Starts.Clear();

        Assert.Equal(keys[25..], Keys(_ml.Data.LoadImageShards(Shards, options with { StartAt = view.PositionAfter(25) })));
        Assert.True(_server.Starts.TryPeek(out var start) && start > 10_000, "the first request is for the middle of a shard");
    }
}
