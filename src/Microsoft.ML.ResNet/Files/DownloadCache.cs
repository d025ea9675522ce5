using System.Globalization;
using System.Net;
using System.Net.Http.Headers;

namespace Microsoft.ML.ResNet.Files;

/// <summary>
/// A folder of downloaded files: each is fetched once, picked up where it broke off, and used only if it is what was published.
/// </summary>
internal sealed class DownloadCache(string folder, HttpClient client)
{
    // Twice the largest checkpoint there is: no server fills the disk.
    private const long LongestFile = 1L << 30;

    /// <summary>Gets where files of a kind are kept for this user.</summary>
    public static string DefaultFolder(string kind) =>
        Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData), "ResNet.MLNet", kind);

    /// <summary>Gets the path of a file, downloading it if it is not there.</summary>
    public string Get(PublishedFile file, IProgress<double>? progress, CancellationToken cancellation)
    {
        var path = Path.Combine(folder, file.FileName);
        if (File.Exists(path) && file.FindDifference(path) is null)
        {
            return path;
        }

        Directory.CreateDirectory(folder);
        var part = $"{path}.part";
        try
        {
            Download(file, part, progress, cancellation);
        }
        catch (HttpRequestException exception)
        {
            throw new IOException(
                $"'{file.Address}' cannot be downloaded: {exception.Message.TrimEnd('.')}. "
                + $"Without a network, put that file at '{path}'.",
                exception);
        }

        if (file.FindDifference(part) is { } difference)
        {
            File.Delete(part);
            throw new InvalidDataException($"What '{file.Address}' gave is not the file that was published: {difference}. It was deleted.");
        }

        File.Move(part, path, overwrite: true);
        return path;
    }

    private void Download(PublishedFile published, string part, IProgress<double>? progress, CancellationToken cancellation)
    {
        using var file = new FileStream(part, FileMode.OpenOrCreate, FileAccess.Write, FileShare.None);
        using var request = new HttpRequestMessage(HttpMethod.Get, published.Address);
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
        var longest = published.Length ?? LongestFile;
        using var content = response.Content.ReadAsStream(cancellation);
        var buffer = new byte[1 << 16];
        while (content.Read(buffer) is > 0 and var count)
        {
            cancellation.ThrowIfCancellationRequested();
            if (file.Position + count > longest)
            {
                throw new InvalidDataException(string.Create(
                    CultureInfo.InvariantCulture,
                    $"'{published.Address}' gives more than {longest:n0} bytes, which is not the file that was published."));
            }

            file.Write(buffer, 0, count);
            progress?.Report(length is > 0 ? (double)file.Position / length.Value : 0);
        }
    }
}
