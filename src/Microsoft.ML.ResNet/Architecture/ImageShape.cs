namespace Microsoft.ML.ResNet;

/// <summary>The shape of one image, or of one image's feature maps, in PyTorch's order.</summary>
/// <param name="Channels">Number of channels: 3 for colour, 1 for grayscale.</param>
/// <param name="Height">Height in pixels.</param>
/// <param name="Width">Width in pixels.</param>
public readonly record struct ImageShape(int Channels, int Height, int Width)
{
    /// <summary>Gets the number of values in the image.</summary>
    /// <value>Channels × height × width.</value>
    public int Size => checked(Channels * Height * Width);

    /// <summary>Returns the shape as text.</summary>
    /// <returns>For example <c>3×224×224</c>.</returns>
    public override string ToString() => $"{Channels}×{Height}×{Width}";
}
