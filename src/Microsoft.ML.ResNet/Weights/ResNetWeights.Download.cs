using Microsoft.ML.ResNet.Files;


namespace Microsoft.ML.ResNet;

public sealed partial class ResNetWeights
{
    /// <summary>Downloads a published checkpoint, or takes it from this user's cache, and loads it.</summary>
    /// <remarks>
    /// A download that broke off is picked up where it did. The file's SHA-256 is checked, before it is read, against what was published.
    /// </remarks>
    /// <param name="name">The name of the weights, such as <c>resnet50.imagenet1k_v2</c>: <see cref="PublishedWeights.All"/>.</param>
    /// <param name="progress">Told the share of the file that has come, 0 to 1.</param>
    /// <param name="client">Fetches the file; null for one of its own.</param>
    /// <param name="folder">Where files are kept; null for a folder of this user's, <c>ResNet.MLNet/weights</c> in the local application
    /// data.</param>
    /// <param name="cancellationToken">Stops the download; what has come is kept.</param>
    /// <returns>The weights, with their preprocessing.</returns>
    /// <exception cref="ArgumentException">There are no published weights of that name.</exception>
    /// <exception cref="IOException">The file cannot be downloaded; the message says where to put it by hand.</exception>
    /// <exception cref="InvalidDataException">What came is not the file that was published.</exception>
    public static ResNetWeights Download(
        string name,
        IProgress<double>? progress = null,
        HttpClient? client = null,
        string? folder = null,
        CancellationToken cancellationToken = default)
    {
        var published = PublishedWeights.Parse(name);
        using var own = client is null ? new HttpClient() : null;
        var cache = new DownloadCache(folder ?? DownloadCache.DefaultFolder("weights"), client ?? own!);
        var path = cache.Get(published.File, progress, cancellationToken);
        return new ResNetWeights(Load(path, cancellationToken: cancellationToken).Tensors)
        {
            Preprocessing = published.Preprocessing,
            ArchitectureName = published.Architecture.Name,
            Architecture = published.Architecture,
            Source = $"the published weights {name}",
        };
    }
}
