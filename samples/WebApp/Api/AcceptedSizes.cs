namespace WebApp.Api;

/// <summary>What the service accepts.</summary>
/// <param name="ImageBytes">The most bytes of one image file.</param>
/// <param name="Pixels">The most pixels of an image.</param>
/// <param name="BatchImages">The most images of a batch.</param>
/// <param name="BatchBytes">The most bytes of a batch's body.</param>
internal sealed record AcceptedSizes(int ImageBytes, long Pixels, int BatchImages, int BatchBytes);
