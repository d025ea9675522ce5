using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.ResNet.Trainers.Networks;

/// <summary>
/// A convolution without bias whose gradient for the filters is one matrix product: filters × positions times positions × inputs of a
/// filter.
/// </summary>
/// <remarks>
/// oneDNN's own kernel multiplies tiles of 32 positions of one row of an image, so that a row of 4 wastes seven eighths of the arithmetic;
/// its kernel for CPUs without tiles wastes less. The product has the positions of all images in one dimension. What it costs is the copy
/// of each position's inputs, which many channels repay: measured in docs/PERFORMANCE.md.
/// </remarks>
internal sealed class NarrowConvolution : autograd.SingleTensorFunction<NarrowConvolution>
{
    private const int MinChannels = 128;

    // A row for each position: the inputs under the filter, in the order of a channels-last filter.
    private const string Script =
        """
        def filters(g, x, w, stride: int, padding: int):
            n, channels, _, _ = x.shape
            count, _, height, width = w.shape
            _, _, rows, columns = g.shape
            padded = torch.constant_pad_nd(x.permute(0, 2, 3, 1), [0, 0, padding, padding, padding, padding])
            a, b, c, d = padded.stride()
            windows = padded.as_strided([n, rows, columns, height, width, channels], [a, b * stride, c * stride, b, c, d])
            inputs = windows.reshape(n * rows * columns, height * width * channels)
            gradients = g.permute(0, 2, 3, 1).reshape(n * rows * columns, count)
            return torch.mm(gradients.t(), inputs).view(count, height, width, channels).permute(0, 3, 1, 2)

        def images(g, x, w, stride: int, padding: int):
            return torch.convolution_backward(
                g, x, w, None, [stride, stride], [padding, padding], [1, 1], False, [0, 0], 1, [True, False, False])[0]

        """;

    private static readonly Lazy<jit.CompilationUnit> Compiled = new(() => jit.compile(Script));

    public override string Name => nameof(NarrowConvolution);

    /// <summary>
    /// Tells whether a convolution's filters are learned faster this way, on a CPU with instructions for bfloat16. One of single pixels is
    /// a matrix product already.
    /// </summary>
    /// <param name="shape">The convolution.</param>
    /// <param name="hasTiles">Whether the CPU multiplies tiles, of which a row of eight fills a quarter.</param>
    public static bool Suits(ConvolutionShape shape, bool hasTiles)
    {
        var mostPositions = hasTiles ? 8 : shape.Stride == 1 ? 7 : 14;
        return shape is { IsPointwise: false, Groups: 1, Filters: >= MinChannels, Channels: >= MinChannels }
            && shape.ResultWidth <= mostPositions;
    }

    /// <summary>Convolves; stride and padding are the same down and across.</summary>
    /// <param name="x">Images, [batch, inputs, height, width], channels-last.</param>
    /// <param name="filters">[filters, inputs, height, width], channels-last, of the same type.</param>
    /// <param name="stride">The step between positions.</param>
    /// <param name="padding">The zeros around an image.</param>
    public static Tensor Apply(Tensor x, Tensor filters, int stride, int padding) =>
        apply(x, filters, new Geometry(stride, padding, x.requires_grad));

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (x, filters, geometry) = ((Tensor)vars[0], (Tensor)vars[1], (Geometry)vars[2]);
        ctx.save_for_backward([x, filters]);
        ctx.save_data(nameof(Geometry), geometry);
        return F.conv2d(x, filters, null, [(long)geometry.Stride, geometry.Stride], [(long)geometry.Padding, geometry.Padding]);
    }

    public override List<Tensor?> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var saved = ctx.get_saved_variables();
        var geometry = (Geometry)ctx.get_data(nameof(Geometry));
        return [geometry.PassesOn ? Gradient("images") : null, Gradient("filters"), null];

        Tensor Gradient(string of) => (Tensor)Compiled.Value.invoke(of, grad_output, saved[0], saved[1], geometry.Stride, geometry.Padding);
    }

    /// <param name="Stride">The step between positions.</param>
    /// <param name="Padding">The zeros around an image.</param>
    /// <param name="PassesOn">Whether the images have a gradient.</param>
    private sealed record Geometry(int Stride, int Padding, bool PassesOn);
}
