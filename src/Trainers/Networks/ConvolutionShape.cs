namespace Microsoft.ML.ResNet.Trainers.Networks;

/// <summary>The sizes of a convolution. Together with the number type and the threads, they decide which kernel is used.</summary>
/// <param name="Channels">The channels of an image.</param>
/// <param name="Height">Its height in pixels.</param>
/// <param name="Width">Its width in pixels.</param>
/// <param name="Filters">The channels of the result.</param>
/// <param name="Kernel">The height and width of a filter, which is odd.</param>
/// <param name="Stride">The step between positions, down and across.</param>
/// <param name="Groups">The groups that the channels fall into.</param>
internal readonly record struct ConvolutionShape(int Channels, int Height, int Width, int Filters, int Kernel, int Stride, int Groups)
{
    /// <summary>Gets the zeros around an image.</summary>
    public int Padding => Kernel / 2;

    /// <summary>Gets the height of the result.</summary>
    public int ResultHeight => (Height - 1) / Stride + 1;

    /// <summary>Gets the width of the result.</summary>
    public int ResultWidth => (Width - 1) / Stride + 1;

    /// <summary>Gets whether each result reads one pixel, with all of its channels: a matrix product.</summary>
    public bool IsPointwise => Kernel == 1 && Groups == 1;

    public static ConvolutionShape Of(LayerPlan plan, ConvolutionLayer layer)
    {
        var image = plan.Layers[layer.Inputs[0]].Output;
        return new ConvolutionShape(
            image.Channels, image.Height, image.Width, layer.Output.Channels, layer.Kernel, layer.Stride, layer.Groups);
    }

    /// <summary>Describes the convolution for a log, for example "3×3, 64 → 128 channels, stride 2, of 56×56 pixels".</summary>
    public override string ToString()
    {
        var (stride, groups) = (Stride == 1 ? "" : $", stride {Stride}", Groups == 1 ? "" : $", {Groups} groups");
        return $"{Kernel}×{Kernel}, {Channels} → {Filters} channels{stride}{groups}, of {Height}×{Width} pixels";
    }
}
