using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;

namespace Microsoft.ML.ResNet.Weights;

/// <summary>A folder of downloaded checkpoints: each is fetched once, picked up where it broke off, and used only if its hash is right.</summary>
internal sealed class WeightsCache(string folder, HttpClient client)
{
    // Twice the largest file of the table: no server fills the disk.
    private const long LongestFile = 1L << 30;

    /// <summary>Gets where checkpoints are kept for this user.</summary>
    public static string DefaultFolder { get; } = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData), "ResNet.MLNet", "weights");

    /// <summary>Gets the path of a checkpoint, downloading it if it is not there.</summary>
    public string Get(PublishedWeights weights, IProgress<double>? progress, CancellationToken cancellation)
    {
        var path = Path.Combine(folder, weights.FileName);
        if (File.Exists(path) && HashIsRight(path, weights))
        {
            return path;
        }

        Directory.CreateDirectory(folder);
        var part = $"{path}.part";
        try
        {
            Download(weights.Address, part, progress, cancellation);
        }
        catch (HttpRequestException exception)
        {
            throw new IOException($"'{weights.Address}' cannot be downloaded: {exception.Message} Without a network, put that file at '{path}'.", exception);
        }

        if (!HashIsRight(part, weights))
        {
            File.Delete(part);
            throw new InvalidDataException($"What '{weights.Address}' gave is not the file that was published: its SHA-256 does not start with {weights.Sha256Prefix}. It was deleted.");
        }

        File.Move(part, path, overwrite: true);
        return path;
    }

    private void Download(Uri address, string part, IProgress<double>? progress, CancellationToken cancellation)
    {
        using var file = new FileStream(part, FileMode.OpenOrCreate, FileAccess.Write, FileShare.None);
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        if (file.Length > 0)
        {
            request.Headers.Range = new RangeHeaderValue(file.Length, null);
        }

        using var response = client.Send(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            return; // it was all there; the hash tells whether it is right
        }

        response.EnsureSuccessStatusCode();
        file.SetLength(response.StatusCode == HttpStatusCode.PartialContent ? file.Length : 0);
        file.Seek(0, SeekOrigin.End);
        var length = file.Length + response.Content.Headers.ContentLength;
        using var content = response.Content.ReadAsStream(cancellation);
        var buffer = new byte[1 << 16];
        while (content.Read(buffer) is > 0 and var count)
        {
            cancellation.ThrowIfCancellationRequested();
            if (file.Position + count > LongestFile)
            {
                throw new InvalidDataException($"'{address}' gives more than {LongestFile >> 20} MB, which no published checkpoint has.");
            }

            file.Write(buffer, 0, count);
            progress?.Report(length is > 0 ? (double)file.Position / length.Value : 0);
        }
    }

    private static bool HashIsRight(string path, PublishedWeights weights)
    {
        using var stream = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream)).StartsWith(weights.Sha256Prefix, StringComparison.Ordinal);
    }
}
