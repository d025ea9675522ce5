namespace WebApp.Api;

/// <summary>
/// Marks a route whose body holds images, and says how they are read from it. <see cref="UploadReceiver"/> does so before the request
/// takes a place among those at work.
/// </summary>
internal sealed record UploadReading(Func<HttpRequest, ServiceOptions, Task<Upload[]>> ReadAsync);
