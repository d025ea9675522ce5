namespace WebApp.Images;

/// <summary>An image that cannot be classified, and why. The message is for the client; it holds nothing of the image.</summary>
internal sealed class UnusableImageException(int statusCode, string title, string message) : Exception(message)
{
    public int StatusCode { get; } = statusCode;

    public string Title { get; } = title;
}
