namespace Microsoft.ML.ResNet.Trainers.Kernels;

/// <summary>The sizes of a 3×3 convolution with stride 1 and one zero around each image, whose result is as large as the image.</summary>
/// <param name="Images">The images.</param>
/// <param name="Height">The height of an image in pixels.</param>
/// <param name="Width">Its width in pixels.</param>
/// <param name="Channels">Its channels.</param>
/// <param name="Filters">The channels of the result.</param>
internal readonly record struct WinogradShape(int Images, int Height, int Width, int Channels, int Filters)
{
    /// <summary>Gets the rows of tiles of an image. Some of the last one may be outside.</summary>
    /// <param name="side">The pixels of a tile's result along each side.</param>
    public int TileRows(int side) => (Height + side - 1) / side;

    /// <summary>Gets the tiles of such a row.</summary>
    /// <param name="side">The pixels of a tile's result along each side.</param>
    public int TileColumns(int side) => (Width + side - 1) / side;

    /// <summary>Gets the shape of the convolution that gives the gradient of the images: from the result's channels to the image's.
    /// </summary>
    public WinogradShape Turned => this with { Channels = Filters, Filters = Channels };
}
