using System.Collections.Concurrent;
using Microsoft.ML.ResNet.Trainers.Networks;

namespace Microsoft.ML.ResNet.Trainers.Compiled;

/// <summary>
/// A convolution without bias and its gradients, as functions of tensors without autograd. Images, filters, results and gradients are
/// channels-last, and of one type.
/// </summary>
/// <remarks>The ways are those of <see cref="ConvolutionKernels"/>, which is the reference: see there for when each is taken.</remarks>
internal sealed class ConvolutionFunctions
{
    private static readonly ConcurrentDictionary<Key, ConvolutionFunctions> Compiled = new();

    // oneDNN 3.7.1 keeps a step of its planning in a static variable: of two threads that had it plan the same gradient of images at the
    // same time, one got wrong numbers in one of a thousand cases, or wrote where it must not. What it has planned, it keeps.
    private static readonly Lock Planning = new();

    private readonly TorchScript _script;

    private ConvolutionFunctions(Key key) => _script = new TorchScript(Source(key));

    /// <summary>Finds the functions of a convolution, compiled once for the process.</summary>
    /// <param name="verdict">How it is computed.</param>
    /// <param name="inFloat32">Whether numbers that are narrower are converted to float32 before they are multiplied.</param>
    public static ConvolutionFunctions Of(ConvolutionVerdict verdict, bool inFloat32)
    {
        var (shape, method) = (verdict.Shape, verdict.Method);
        if (method == ConvolutionMethod.Float32)
        {
            (inFloat32, method) = (true, shape.IsPointwise ? ConvolutionMethod.MatrixProduct : ConvolutionMethod.Direct);
        }

        return Compiled.GetOrAdd(
            new Key(method, shape.IsPointwise, shape.Stride, shape.Padding, shape.Kernel, shape.Groups, inFloat32),
            key => new ConvolutionFunctions(key));
    }

    /// <summary>Convolves.</summary>
    /// <param name="x">Images.</param>
    /// <param name="filters">Filters.</param>
    /// <param name="isNew">Whether it may be the first time for images of this size and number.</param>
    /// <returns>The result, which is the caller's to free.</returns>
    public nint Forward(nint x, nint filters, bool isNew)
    {
        Span<nint> result = [0];
        Invoke("forward\0"u8, [x, filters], result, isNew);
        return result[0];
    }

    /// <summary>Computes the gradient of the images.</summary>
    /// <param name="gradient">The gradient of the result.</param>
    /// <param name="x">Images.</param>
    /// <param name="filters">Filters.</param>
    /// <param name="isNew">Whether it may be the first time for images of this size and number.</param>
    /// <returns>The gradient, which is the caller's to free.</returns>
    public nint ImagesBackward(nint gradient, nint x, nint filters, bool isNew)
    {
        Span<nint> result = [0];
        Invoke("images_backward\0"u8, [gradient, x, filters], result, isNew);
        return result[0];
    }

    /// <summary>Computes the gradient of the filters.</summary>
    /// <param name="gradient">The gradient of the result.</param>
    /// <param name="x">Images.</param>
    /// <param name="filters">Filters.</param>
    /// <param name="isNew">Whether it may be the first time for images of this size and number.</param>
    /// <returns>The gradient, which is the caller's to free.</returns>
    public nint FiltersBackward(nint gradient, nint x, nint filters, bool isNew)
    {
        Span<nint> result = [0];
        Invoke("filters_backward\0"u8, [gradient, x, filters], result, isNew);
        return result[0];
    }

    private void Invoke(ReadOnlySpan<byte> name, ReadOnlySpan<nint> arguments, Span<nint> results, bool isNew)
    {
        if (!isNew)
        {
            _script.Invoke(name, arguments, results);
            return;
        }

        lock (Planning)
        {
            _script.Invoke(name, arguments, results);
        }
    }

    // The functions of a way are "of", "images" and "filters"; what they return need not be channels-last.
    private static string Source(Key key)
    {
        var way = key switch
        {
            { Method: ConvolutionMethod.PaddedChannel } => PaddedChannel,
            { Method: ConvolutionMethod.MatrixProduct, IsPointwise: true } => Pointwise,
            { Method: ConvolutionMethod.MatrixProduct } => Unfolded,
            { Method: ConvolutionMethod.Narrow } => Narrow,
            _ => Direct,
        };
        var source = key.InFloat32 ? way + ConvertedForms : way + Forms;
        return source
            .Replace("STRIDE", $"{key.Stride}", StringComparison.Ordinal)
            .Replace("PADDING", $"{key.Padding}", StringComparison.Ordinal)
            .Replace("KERNEL", $"{key.Kernel}", StringComparison.Ordinal)
            .Replace("GROUPS", $"{key.Groups}", StringComparison.Ordinal);
    }

    private const string Torch =
        """
        def convolve(x, w):
            return torch.conv2d(x, w, None, [STRIDE, STRIDE], [PADDING, PADDING], [1, 1], GROUPS)

        def gradient_of_images(g, x, w):
            a, b, c = torch.convolution_backward(
                g, x, w, None, [STRIDE, STRIDE], [PADDING, PADDING], [1, 1], False, [0, 0], GROUPS, [True, False, False])
            return a

        def gradient_of_filters(g, x, w):
            a, b, c = torch.convolution_backward(
                g, x, w, None, [STRIDE, STRIDE], [PADDING, PADDING], [1, 1], False, [0, 0], GROUPS, [False, True, False])
            return b


        """;

    private const string Direct = Torch +
        """
        def of(x, w):
            return convolve(x, w)

        def images(g, x, w):
            return gradient_of_images(g, x, w)

        def filters(g, x, w):
            return gradient_of_filters(g, x, w)


        """;

    private const string PaddedChannel = Torch +
        """
        def with_zeros(x):
            return torch.constant_pad_nd(x.permute(0, 2, 3, 1), [0, 1]).permute(0, 3, 1, 2)

        def of(x, w):
            return convolve(with_zeros(x), with_zeros(w))

        def images(g, x, w):
            return gradient_of_images(g, with_zeros(x), with_zeros(w))[:, :-1]

        def filters(g, x, w):
            return gradient_of_filters(g, with_zeros(x), with_zeros(w))[:, :-1]


        """;

    // A row for each position of each image.
    private const string Pointwise =
        """
        def rows(x):
            return x[:, :, ::STRIDE, ::STRIDE].permute(0, 2, 3, 1).flatten(0, 2)

        def of(x, w):
            height = (x.size(2) - 1) // STRIDE + 1
            width = (x.size(3) - 1) // STRIDE + 1
            return torch.mm(rows(x), w.flatten(1).t()).view(x.size(0), height, width, w.size(0)).permute(0, 3, 1, 2)

        def all_rows(g):
            return g.permute(0, 2, 3, 1).flatten(0, 2)

        def filters(g, x, w):
            return torch.mm(all_rows(g).t(), rows(x)).view(w.size(0), w.size(1), 1, 1)

        def images(g, x, w):
            a = torch.mm(all_rows(g), w.flatten(1)).view(g.size(0), g.size(2), g.size(3), w.size(1)).permute(0, 3, 1, 2)
            if STRIDE > 1:
                b = torch.zeros_like(x)
                b[:, :, ::STRIDE, ::STRIDE] = a
                a = b
            return a


        """;

    private const string Unfolded =
        """
        def rows(x):
            unfolded = torch.im2col(x, [KERNEL, KERNEL], [1, 1], [PADDING, PADDING], [STRIDE, STRIDE])
            return unfolded.view(x.size(0), GROUPS, -1, unfolded.size(2)).permute(1, 0, 3, 2).flatten(1, 2)

        def columns(w):
            return w.reshape(GROUPS, w.size(0) // GROUPS, -1)

        def of(x, w):
            height = (x.size(2) - 1) // STRIDE + 1
            width = (x.size(3) - 1) // STRIDE + 1
            result = torch.bmm(rows(x), columns(w).transpose(1, 2)).permute(1, 0, 2)
            return result.reshape(x.size(0), height, width, w.size(0)).permute(0, 3, 1, 2)

        def by_group(g):
            return g.permute(0, 2, 3, 1).reshape(-1, GROUPS, g.size(1) // GROUPS).permute(1, 0, 2)

        def filters(g, x, w):
            return torch.bmm(by_group(g).transpose(1, 2), rows(x)).view(w.size(0), w.size(1), KERNEL, KERNEL)

        def images(g, x, w):
            unfolded = torch.bmm(by_group(g), columns(w)).view(GROUPS, x.size(0), g.size(2) * g.size(3), -1)
            return torch.col2im(
                unfolded.permute(1, 0, 3, 2).reshape(x.size(0), -1, g.size(2) * g.size(3)),
                [x.size(2), x.size(3)], [KERNEL, KERNEL], [1, 1], [PADDING, PADDING], [STRIDE, STRIDE])


        """;

    // The filters' gradient as in NarrowConvolution.
    private const string Narrow = Torch +
        """
        def of(x, w):
            return convolve(x, w)

        def filters(g, x, w):
            padded = torch.constant_pad_nd(x.permute(0, 2, 3, 1), [0, 0, PADDING, PADDING, PADDING, PADDING])
            a, b, c, d = padded.stride()
            windows = padded.as_strided(
                [x.size(0), g.size(2), g.size(3), KERNEL, KERNEL, x.size(1)], [a, b * STRIDE, c * STRIDE, b, c, d])
            inputs = windows.reshape(-1, KERNEL * KERNEL * x.size(1))
            gradients = g.permute(0, 2, 3, 1).reshape(-1, g.size(1))
            return torch.mm(gradients.t(), inputs).view(w.size(0), KERNEL, KERNEL, x.size(1)).permute(0, 3, 1, 2)

        def images(g, x, w):
            return gradient_of_images(g, x, w)


        """;

    // By their numbers, memory_format 2 is channels-last, and type 15 is bfloat16: scripts compiled at run time do not know the names.
    private const string Forms =
        """
        def channels_last(x):
            return x.contiguous(memory_format=2)

        def forward(x, w):
            return channels_last(of(x, w))

        def images_backward(g, x, w):
            return channels_last(images(g, x, w))

        def filters_backward(g, x, w):
            return channels_last(filters(g, x, w))

        """;

    private const string ConvertedForms =
        """
        def channels_last(x):
            return x.to(15).contiguous(memory_format=2)

        def forward(x, w):
            return channels_last(of(x.float(), w.float()))

        def images_backward(g, x, w):
            return channels_last(images(g.float(), x.float(), w.float()))

        def filters_backward(g, x, w):
            return channels_last(filters(g.float(), x.float(), w.float()))

        """;

    private readonly record struct Key(
        ConvolutionMethod Method, bool IsPointwise, int Stride, int Padding, int Kernel, int Groups, bool InFloat32);
}
