using Microsoft.ML.ResNet.Files;

namespace Microsoft.ML.ResNet.Graphs;

// The layers of a network: convolution, normalization, pooling, and the head.
internal sealed partial class OperationReader
{
    private void ReadConvolution(GraphNode node, string output)
    {
        var x = ChannelsFirst(node, Input(node, 0));
        var filters = Floats(node, 1, "filters");
        var group = node.Integer("group", 1);
        if (x.Channel is not null || filters.Shape is not [> 0 and <= MostChannels, > 0, > 0, > 0] || group is < 1 or > MostChannels
            || filters.Shape[1] * group != x.Signal.Shape.Channels || filters.Shape[0] % group != 0
            || (node.Integers("kernel_shape") is { } kernel && !kernel.SequenceEqual(filters.Shape.Skip(2).Select(size => (long)size))))
        {
            throw node.Refuse(
                $"has filters shaped {ErrorText.Shape(filters.Shape)} and {group} groups for {x.Signal.Shape.Channels} channels",
                "[outputs, inputs / groups, kernel, kernel]");
        }

        var outputs = filters.Shape[0];
        var bias = Bias(node, outputs);
        var windows = WindowPlacement.Of(node, [filters.Shape[2], filters.Shape[3]], x);
        var (height, width) = windows.Check(
            node, x.Signal.Shape, windows.Kernel / 2, size => ConvolutionLayer.Strided(size, windows.Stride));
        var result = new Signal(new ImageShape(outputs, height, width));
        Add(output, new Operation.Convolution(node, result, filters, bias, windows.Stride, (int)group), x);
    }

    private void ReadNormalization(GraphNode node, string output)
    {
        var x = ChannelsFirst(node, Plain(node, 0));
        var channels = x.Signal.Shape.Channels;
        if (node.Integer("training_mode", 0) != 0 || node.Integer("spatial", 1) != 1)
        {
            throw node.Refuse("normalizes as in training, or each pixel apart", "running statistics of each channel");
        }

        var epsilon = node.Float("epsilon", BatchNormLayer.Epsilon);
        var scale = Floats(node, 1, "scale", channels).Floats;
        var (shift, mean) = (Floats(node, 2, "shift", channels).Floats, Floats(node, 3, "mean", channels).Floats);
        var variance = Floats(node, 4, "variance", channels).Floats;
        if (epsilon != BatchNormLayer.Epsilon)
        {
            scale = Rescaled(scale.Span, variance.Span, epsilon);
        }

        Add(output, new Operation.Normalization(node, new Signal(x.Signal.Shape), scale, shift, mean, variance), x);
    }

    // γ/√(σ² + ε) stays the same with our ε.
    private float[] Rescaled(ReadOnlySpan<float> scale, ReadOnlySpan<float> variance, float epsilon)
    {
        var rescaled = _budget.New(scale.Length);
        for (var i = 0; i < rescaled.Length; i++)
        {
            rescaled[i] = (float)(scale[i] * Math.Sqrt(((double)variance[i] + BatchNormLayer.Epsilon) / ((double)variance[i] + epsilon)));
        }

        return rescaled;
    }

    private void ReadMaxPool(GraphNode node, string output)
    {
        var x = ChannelsFirst(node, Input(node, 0));
        if (x.Channel is not null || (!x.Border.IsEmpty && !x.Signal.IsNonNegative))
        {
            throw node.Refuse("takes the largest of values and of zeros around them", "a padding of its own, or ReLU before the zeros");
        }

        var windows = WindowPlacement.Of(node, default, x);
        if (windows is not { Kernel: 3 or 2, Stride: MaxPoolLayer.Stride })
        {
            throw node.Refuse(
                $"has a kernel of {windows.Kernel} and a stride of {windows.Stride}", "a kernel of 3 or 2 and a stride of 2");
        }

        var (kernel, padding) = (windows.Kernel, (windows.Kernel - 1) / 2);
        var (height, width) = windows.Check(
            node, x.Signal.Shape, padding, size => (size + 2 * padding - kernel) / MaxPoolLayer.Stride + 1);
        var shape = new ImageShape(x.Signal.Shape.Channels, height, width);
        Add(output, new Operation.MaxPool(node, new Signal(shape, x.Signal.IsNonNegative), kernel), x);
    }

    private void ReadAveragePool(GraphNode node, string output)
    {
        var x = ChannelsFirst(node, Plain(node, 0));
        var (shape, windows) = (x.Signal.Shape, WindowPlacement.Of(node, default, x));
        if ((windows.Kernel, windows.Kernel) == (shape.Height, shape.Width) && windows.Padding.IsEmpty)
        {
            AddGlobalPool(node, output, x, x.Layout, windows.Stride == windows.Kernel ? windows.Kernel : 0);
            return;
        }

        if (windows.Stride != windows.Kernel)
        {
            throw node.Refuse(
                $"averages squares of {windows.Kernel} with a stride of {windows.Stride} in images of {shape.Height}×{shape.Width}",
                "squares side by side, or the whole image");
        }

        // A last odd row counts by itself, as ONNX has it where the padding does not count.
        var (height, width) = windows.Check(node, shape, padding: 0, size => (size + windows.Kernel - 1) / windows.Kernel);
        var result = new Signal(new ImageShape(shape.Channels, height, width), x.Signal.IsNonNegative);
        Add(output, new Operation.AveragePool(node, result, windows.Kernel, IsGlobal: false), x);
    }

    private void ReadMean(GraphNode node, string output)
    {
        var x = Plain(node, 0);
        var axes = Numbers(node, 1, "axes") ?? [];
        if (x.Layout == GraphLayout.Flat
            || !axes.Select(axis => axis < 0 ? axis + 4 : axis).Order().SequenceEqual([x.HeightAxis, x.HeightAxis + 1]))
        {
            throw node.Refuse("takes the mean over other dimensions", "the mean over height and width");
        }

        AddGlobalPool(node, output, x, node.Integer("keepdims", 1) == 0 ? GraphLayout.Flat : x.Layout);
    }

    private void AddGlobalPool(GraphNode node, string output, GraphValue x, GraphLayout layout, int kernel = 0)
    {
        var result = new Signal(new ImageShape(x.Signal.Shape.Channels, 1, 1), x.Signal.IsNonNegative);
        Add(output, new Operation.AveragePool(node, result, kernel, IsGlobal: true), layout, x);
    }

    private void ReadLinear(GraphNode node, string output)
    {
        var x = Plain(node, 0);
        var matrix = Floats(node, 1, "matrix");
        var isTransposed = node.Operator == "Gemm" && node.Integer("transB", 0) != 0;
        var features = x.Signal.Shape.Channels;
        if (x.Signal.Shape is not (_, 1, 1) || x.Layout == GraphLayout.ChannelsFirst || matrix.Shape is not [var rows, var columns]
            || (isTransposed ? columns : rows) != features || rows * (long)columns == 0
            || (node.Operator == "Gemm"
                && (node.Integer("transA", 0) != 0 || node.Float("alpha", 1) != 1 || node.Float("beta", 1) != 1)))
        {
            throw node.Refuse(
                $"has a matrix shaped {ErrorText.Shape(matrix.Shape)} for images of {x.Signal.Shape}",
                "[classes, features] times the features, as they are");
        }

        var classes = isTransposed ? rows : columns;
        var bias = node.Operator == "Gemm" ? Bias(node, classes) : null;
        var values = isTransposed ? _budget.Copy(matrix.Floats.Span) : Transposed(matrix.Floats.Span, rows, columns);
        Add(output, new Operation.Linear(node, new Signal(new ImageShape(classes, 1, 1)), values, bias), GraphLayout.Flat, x);
    }

    private float[] Transposed(ReadOnlySpan<float> matrix, int rows, int columns)
    {
        var transposed = _budget.New(matrix.Length);
        for (var row = 0; row < rows; row++)
        {
            for (var column = 0; column < columns; column++)
            {
                transposed[column * rows + row] = matrix[row * columns + column];
            }
        }

        return transposed;
    }
}
