namespace Microsoft.ML.ResNet.Shards;

/// <summary>How shards are fetched.</summary>
/// <param name="Client">What fetches them.</param>
/// <param name="Retries">How often in turn a connection that gives nothing is made anew.</param>
/// <param name="RetryDelay">How long to wait before the first; twice as long before each that follows.</param>
/// <param name="ReadTimeout">How long a connection may give nothing.</param>
internal sealed record ShardConnections(HttpClient Client, int Retries, TimeSpan RetryDelay, TimeSpan ReadTimeout)
{
    // One for the process: its connections are kept, and go with it.
    private static readonly Lazy<HttpClient> Own = new(() => new HttpClient { Timeout = Timeout.InfiniteTimeSpan });

    public static ShardConnections Of(ImageShardOptions options) =>
        new(options.Client ?? Own.Value, options.Retries, options.RetryDelay, options.ReadTimeout);
}
