namespace Microsoft.ML.ResNet.Trainers.Kernels;

/// <summary>The sizes of a pooling.</summary>
/// <param name="Channels">The channels.</param>
/// <param name="Height">The height of an image.</param>
/// <param name="Width">Its width.</param>
/// <param name="ResultHeight">The height of the result.</param>
/// <param name="ResultWidth">Its width.</param>
/// <param name="Kernel">The height and width of a window.</param>
/// <param name="Padding">The positions around an image that a window may cover; they are left out of it.</param>
internal readonly record struct PoolShape(
    int Channels, int Height, int Width, int ResultHeight, int ResultWidth, int Kernel, int Padding)
{
    /// <summary>The step between windows.</summary>
    public const int Stride = 2;

    /// <summary>Gets the values of an image.</summary>
    public nint Size => (nint)Height * Width * Channels;

    /// <summary>Gets the values of a result.</summary>
    public nint ResultSize => (nint)ResultHeight * ResultWidth * Channels;

    /// <summary>Gets the rows, or columns, of an image that a window covers.</summary>
    /// <param name="result">The row, or column, of the result.</param>
    /// <param name="size">The image's height, or width.</param>
    public (int First, int End) Window(int result, int size)
    {
        var first = result * Stride - Padding;
        return (Math.Max(first, 0), Math.Min(first + Kernel, size));
    }
}
