using System.Collections.Immutable;
using Microsoft.ML.ResNet.Files;

namespace Microsoft.ML.ResNet.Graphs;

/// <summary>How a node places its windows on an image, and whether it reads the pixels that our layers read.</summary>
/// <remarks>
/// Ours are padded by half the kernel on each side. A node may pad less at the end, where no window reaches what it leaves out:
/// (1, 1, 0, 0) for a kernel of 3 and a step of 2 reads the same pixels of every image of even height and width.
/// </remarks>
internal readonly record struct WindowPlacement(int Kernel, int Stride, ZeroBorder Padding, bool IsCeiling)
{
    private const int LargestKernel = 4096;

    /// <summary>Reads the placement from a node's attributes.</summary>
    /// <param name="node">A convolution or a pooling.</param>
    /// <param name="kernelShape">The height and width of the kernel; default for the node's own attribute.</param>
    /// <param name="input">What it reads.</param>
    public static WindowPlacement Of(GraphNode node, ImmutableArray<long> kernelShape, GraphValue input)
    {
        var kernel = kernelShape.IsDefault ? node.Integers("kernel_shape") ?? [] : kernelShape;
        var strides = node.Integers("strides") ?? [1, 1];
        var dilations = node.Integers("dilations") ?? [1, 1];
        if (kernel is not [var size and >= 1 and <= LargestKernel, var width] || size != width
            || strides is not [var stride and >= 1 and <= LargestKernel, var across] || stride != across)
        {
            throw node.Refuse(
                $"has a kernel of {Text(kernel)} and strides of {Text(strides)}", "a square kernel and one stride for both directions");
        }

        if (dilations is not [1, 1])
        {
            throw node.Refuse($"has dilations of {Text(dilations)}", "no dilation");
        }

        var placement = new WindowPlacement((int)size, (int)stride, default, node.Integer("ceil_mode", 0) != 0);
        return placement with { Padding = placement.PaddingOf(node, input) };
    }

    /// <summary>Checks that the windows read what ours do.</summary>
    /// <param name="node">The node.</param>
    /// <param name="shape">The shape of what it reads.</param>
    /// <param name="padding">Our padding on each side.</param>
    /// <param name="ours">What our layer makes of a height or a width.</param>
    /// <returns>The height and width of the result.</returns>
    public (int Height, int Width) Check(GraphNode node, ImageShape shape, int padding, Func<int, int> ours)
    {
        var (height, width) = (Results(shape.Height, Padding.Top, Padding.Bottom), Results(shape.Width, Padding.Left, Padding.Right));
        if (Padding.Top == padding && Padding.Left == padding && height == ours(shape.Height) && width == ours(shape.Width))
        {
            return (height, width);
        }

        var expected = $"a padding of {padding} at the top and the left, and {ours(shape.Height)}×{ours(shape.Width)} results";
        throw node.Refuse(
            $"pads images of {shape.Height}×{shape.Width} by ({Padding.Top}, {Padding.Left}, {Padding.Bottom}, {Padding.Right}) "
            + $"for a kernel of {Kernel} and a stride of {Stride}, which gives {height}×{width} results", expected);
    }

    private int Results(int size, int before, int after)
    {
        var room = size + before + after - Kernel;
        if (room < 0)
        {
            return 0;
        }

        // With ceil_mode, a last window may reach beyond the image, but must begin in it or in the padding before it.
        var results = (IsCeiling ? (room + Stride - 1) / Stride : room / Stride) + 1;
        return IsCeiling && (results - 1) * Stride >= size + before ? results - 1 : results;
    }

    private ZeroBorder PaddingOf(GraphNode node, GraphValue input)
    {
        var (border, shape) = (input.Border, input.Signal.Shape);
        switch (node.Text("auto_pad") ?? "NOTSET")
        {
            case "NOTSET" or "" when node.Integers("pads") is { } pads:
                return pads is [var top, var left, var bottom, var right] && pads.All(pad => pad is >= 0 and <= LargestKernel)
                    ? new ZeroBorder(
                        border.Top + (int)top, border.Left + (int)left, border.Bottom + (int)bottom, border.Right + (int)right)
                    : throw node.Refuse($"has pads of {Text(pads)}", "four numbers of 0 or more");
            case "NOTSET" or "" or "VALID":
                return border;
            case "SAME_UPPER" or "SAME_LOWER" when border.IsEmpty:
                var isLower = node.Text("auto_pad") == "SAME_LOWER";
                var (down, across) = (Split(shape.Height, isLower), Split(shape.Width, isLower));
                return new ZeroBorder(down.Before, across.Before, down.After, across.After);
            default:
                throw node.Refuse($"has auto_pad {ErrorText.Quote(node.Text("auto_pad")!)}", "NOTSET, VALID, SAME_UPPER or SAME_LOWER");
        }
    }

    private (int Before, int After) Split(int size, bool isLower)
    {
        var total = Math.Max(0, ((size + Stride - 1) / Stride - 1) * Stride + Kernel - size);
        return isLower ? (total - total / 2, total / 2) : (total / 2, total - total / 2);
    }

    private static string Text(ImmutableArray<long> numbers) => $"[{string.Join(", ", numbers.Take(8))}]";
}
