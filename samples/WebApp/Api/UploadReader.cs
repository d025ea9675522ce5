using Microsoft.AspNetCore.Http.Features;

namespace WebApp.Api;

/// <summary>Reads image files from the body of a request. They stay in memory; none is written to disk.</summary>
/// <remarks>
/// Nothing is cancelled by a token here: whoever gives up cancels the pending read of the body: see <see cref="UploadReceiver"/>.
/// </remarks>
internal static class UploadReader
{
    /// <summary>
    /// Reads the one image of a request: the only file of a multipart body, or else the body itself, whatever its media type.
    /// </summary>
    /// <exception cref="BadHttpRequestException">The body is too large, or is not one image.</exception>
    /// <returns>That image alone.</returns>
    public static async Task<Upload[]> ReadOneAsync(HttpRequest request, ServiceOptions limits)
    {
        if (!IsMultipart(request))
        {
            return [new Upload("", await ReadAsync(request.Body))];
        }

        var uploads = await ReadManyAsync(request, limits);
        return uploads.Length == 1
            ? uploads
            : throw new BadHttpRequestException($"The body has {uploads.Length} files, but must have one. POST several to /predict/batch.");
    }

    /// <summary>Reads the files of a multipart body, in their order.</summary>
    /// <exception cref="BadHttpRequestException">The body is too large, is not multipart, or has no file or too many.</exception>
    public static async Task<Upload[]> ReadManyAsync(HttpRequest request, ServiceOptions limits)
    {
        if (!IsMultipart(request))
        {
            throw new BadHttpRequestException(
                $"The body is '{request.ContentType}', but must be multipart/form-data with a file for each image.",
                StatusCodes.Status415UnsupportedMediaType);
        }

        var files = (await ReadFormAsync(request, limits)).Files;
        if (files.Count == 0 || files.Count > limits.MaxBatchImages)
        {
            throw new BadHttpRequestException(files.Count == 0
                ? "The body has no file. Each image must be a part with a filename."
                : $"The body has {files.Count} files; {limits.MaxBatchImages} are accepted.");
        }

        var uploads = new Upload[files.Count];
        for (var i = 0; i < uploads.Length; i++)
        {
            await using var stream = files[i].OpenReadStream();
            uploads[i] = new Upload(files[i].FileName, await ReadAsync(stream));
        }

        return uploads;
    }

    // Whatever begins so but is no media type is no form.
    private static bool IsMultipart(HttpRequest request) =>
        request.HasFormContentType && request.ContentType?.StartsWith("multipart/form-data", StringComparison.OrdinalIgnoreCase) == true;

    private static async Task<IFormCollection> ReadFormAsync(HttpRequest request, ServiceOptions limits)
    {
        try
        {
            // The server bounds the body; above the threshold a file would go to disk.
            var options = new FormOptions { MemoryBufferThreshold = int.MaxValue, MultipartBodyLengthLimit = limits.MaxBatchBytes };
            return await request.ReadFormAsync(options);
        }
        catch (Exception exception) when (exception is InvalidDataException or IOException and not BadHttpRequestException)
        {
            throw new BadHttpRequestException($"The multipart body cannot be read: {exception.Message}", exception);
        }
    }

    private static async Task<ReadOnlyMemory<byte>> ReadAsync(Stream stream)
    {
        var content = new MemoryStream();
        await stream.CopyToAsync(content);
        return content.GetBuffer().AsMemory(0, (int)content.Length);
    }
}
