using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.ResNet.Trainers.Networks;

/// <summary>
/// Convolutions by each <see cref="ConvolutionMethod"/>. All give the same result except for rounding; which of them is fast, and whether
/// Torch's own is correct, depends on the CPU.
/// </summary>
internal static class ConvolutionKernels
{
    /// <summary>
    /// An AppContext switch: if it is true, 1×1 convolutions are computed as matrix products on every CPU, as they are on those where
    /// Torch's own are known to crash the process.
    /// </summary>
    public const string AvoidPointwiseConvolutions = "Microsoft.ML.ResNet.Trainers.AvoidPointwiseConvolutions";

    // On two cores of a Zen 3 without AVX-512, Torch's convolution was the faster one over more positions than these (docs/PERFORMANCE.md).
    private const int MaxPositionsOfProduct = 14 * 14;

    // oneDNN divides by zero, which ends the process, in choosing the blocks of a 1×1 convolution for a CPU that it takes to have caches of
    // one byte.
    private static readonly bool AvoidsPointwise =
        Processor.HidesCaches || (AppContext.TryGetSwitch(AvoidPointwiseConvolutions, out var avoid) && avoid);

    // Torch's two numbers for strides and paddings, down and across, which are the same: made once, not in every layer of every step.
    private static readonly long[][] Squares = [[0, 0], [1, 1], [2, 2], [3, 3]];

    /// <summary>Gets the ways to try, the best one first.</summary>
    /// <param name="shape">The convolution.</param>
    /// <param name="type">The type of images, filters and result.</param>
    public static IEnumerable<ConvolutionMethod> Candidates(ConvolutionShape shape, ScalarType type)
    {
        if (type == ScalarType.BFloat16 && Processor.HasBFloat16Products && NarrowConvolution.Suits(shape, Processor.HasTiles))
        {
            yield return ConvolutionMethod.Narrow;
        }

        if (!shape.IsPointwise || (!AvoidsPointwise && shape.ResultHeight * shape.ResultWidth > MaxPositionsOfProduct))
        {
            yield return ConvolutionMethod.Direct;
        }

        if (shape is { IsPointwise: false, Groups: 1 })
        {
            yield return ConvolutionMethod.PaddedChannel;
        }

        yield return ConvolutionMethod.MatrixProduct;
        if (type != ScalarType.Float32)
        {
            yield return ConvolutionMethod.Float32;
        }
    }

    /// <summary>Convolves.</summary>
    /// <param name="method">The way.</param>
    /// <param name="shape">The convolution.</param>
    /// <param name="x">Images, [batch, channels, height, width], channels-last.</param>
    /// <param name="filters">[filters, channels of a group, kernel, kernel], channels-last, of the same type.</param>
    /// <param name="bias">[filters], of the same type; null for none.</param>
    /// <returns>[batch, filters, height, width], channels-last, of the same type.</returns>
    public static Tensor Convolve(ConvolutionMethod method, ConvolutionShape shape, Tensor x, Tensor filters, Tensor? bias) => method switch
    {
        ConvolutionMethod.Narrow => NarrowConvolution.Apply(x, filters, shape.Stride, shape.Padding),
        ConvolutionMethod.Direct => Direct(shape, x, filters, bias),
        ConvolutionMethod.PaddedChannel => Direct(shape, WithZeroChannel(x), WithZeroChannel(filters), bias),
        ConvolutionMethod.MatrixProduct when shape.IsPointwise => Pointwise(shape, x, filters, bias),
        ConvolutionMethod.MatrixProduct => Unfolded(shape, x, filters, bias),
        _ => InFloat32(shape, x, filters, bias),
    };

    private static Tensor Direct(ConvolutionShape shape, Tensor x, Tensor filters, Tensor? bias) =>
        F.conv2d(x, filters, bias, Squares[shape.Stride], Squares[shape.Padding], Squares[1], shape.Groups);

    private static Tensor WithZeroChannel(Tensor x) => F.pad(x.permute(0, 2, 3, 1), [0, 1]).permute(0, 3, 1, 2);

    private static Tensor Pointwise(ConvolutionShape shape, Tensor x, Tensor filters, Tensor? bias)
    {
        var step = shape.Stride;
        var read = step == 1 ? x : x.slice(2, 0, long.MaxValue, step).slice(3, 0, long.MaxValue, step);
        return F.linear(read.permute(0, 2, 3, 1), filters.flatten(1), bias!).permute(0, 3, 1, 2);
    }

    // A row for each position of each image: what a filter reads there, group by group.
    private static Tensor Unfolded(ConvolutionShape shape, Tensor x, Tensor filters, Tensor? bias)
    {
        var (batch, groups) = (x.shape[0], shape.Groups);
        var inputs = shape.Channels / groups * shape.Kernel * shape.Kernel;
        var positions = shape.ResultHeight * shape.ResultWidth;
        var rows = Unfold(shape, x).view(batch, groups, inputs, positions).permute(1, 0, 3, 2).reshape(groups, batch * positions, inputs);
        var columns = filters.reshape(groups, shape.Filters / groups, inputs).transpose(1, 2);
        var result = bmm(rows, columns).permute(1, 0, 2).reshape(batch, shape.ResultHeight, shape.ResultWidth, shape.Filters);
        return (bias is null ? result : result.add(bias)).permute(0, 3, 1, 2);
    }

    private static Tensor InFloat32(ConvolutionShape shape, Tensor x, Tensor filters, Tensor? bias)
    {
        var (single, method) = (ScalarType.Float32, shape.IsPointwise ? ConvolutionMethod.MatrixProduct : ConvolutionMethod.Direct);
        return Convolve(method, shape, x.to(single), filters.to(single), bias?.to(single)).to(x.dtype);
    }

    /// <summary>Copies what the filters read at each position.</summary>
    /// <returns>[batch, channels × kernel × kernel, positions].</returns>
    public static Tensor Unfold(ConvolutionShape shape, Tensor x) =>
        F.unfold(x, shape.Kernel, padding: shape.Padding, stride: shape.Stride);

    /// <summary>Adds up, pixel by pixel, what <see cref="Unfold"/> copied: its gradient.</summary>
    /// <returns>[batch, channels, height, width].</returns>
    public static Tensor Fold(ConvolutionShape shape, Tensor unfolded) => F.fold(
        unfolded,
        (shape.Height, shape.Width),
        (shape.Kernel, shape.Kernel),
        padding: (shape.Padding, shape.Padding),
        stride: (shape.Stride, shape.Stride));
}
