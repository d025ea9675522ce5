using System.Numerics.Tensors;
using Microsoft.ML.ResNet.Files;

namespace Microsoft.ML.ResNet.Graphs;

// Sums and products: of two images, or of an image and a constant.
internal sealed partial class OperationReader
{
    private void ReadArithmetic(GraphNode node, string output)
    {
        var isFirst = node.Inputs.Length == 2 && _values.ContainsKey(node.Inputs[0]);
        var isSecond = node.Inputs.Length == 2 && _values.ContainsKey(node.Inputs[1]);
        if (isFirst && isSecond)
        {
            ReadPair(node, output, Plain(node, 0), Plain(node, 1));
            return;
        }

        if (!(isFirst || isSecond) || (isSecond && node.Operator is "Sub" or "Div"))
        {
            throw node.Refuse("does not compute with a constant", "images on the left and a constant on the right");
        }

        var x = Plain(node, isFirst ? 0 : 1);
        var (values, isPerPixel) = Spread(node, Floats(node, isFirst ? 1 : 0, "constant"), x);
        var channels = x.Signal.Shape.Channels;
        var scale = _budget.New(channels);
        Array.Fill(scale, 1);
        var shift = node.Operator is "Add" or "Sub" ? values : _budget.New(channels);
        switch (node.Operator)
        {
            case "Sub":
                TensorPrimitives.Negate(values, shift);
                break;
            case "Mul" or "Div" when isPerPixel:
                throw node.Refuse("scales each pixel on its own", "one factor for each channel");
            case "Mul":
                scale = values;
                break;
            case "Div":
                TensorPrimitives.Reciprocal<float>(values, scale);
                break;
        }

        Add(output, new Operation.Affine(node, new Signal(x.Signal.Shape), scale, shift), x);
    }

    private void ReadPair(GraphNode node, string output, GraphValue a, GraphValue b)
    {
        var (one, other) = (a.Signal.Shape, b.Signal.Shape);
        if (node.Operator == "Add" && one == other && a.Signal != b.Signal)
        {
            var result = new Signal(one, a.Signal.IsNonNegative && b.Signal.IsNonNegative);
            Add(output, new Operation.Sum(node, result, a.Signal, b.Signal), a, b);
        }
        else if (node.Operator == "Mul" && one.Channels == other.Channels && a.Signal != b.Signal
            && (one is (_, 1, 1) || other is (_, 1, 1)))
        {
            var isGateFirst = other is not (_, 1, 1) || (one is (_, 1, 1) && _gates.Contains(a.Signal));
            var (maps, gate) = isGateFirst ? (b, a) : (a, b);
            Add(output, new Operation.Scaled(node, new Signal(maps.Signal.Shape), maps.Signal, gate.Signal), maps, gate);
        }
        else
        {
            throw node.Refuse(
                $"computes with images of {one} and of {other}", "the sum of two of the same size, or a factor for each channel");
        }
    }

    // A constant as one value per channel, or one per channel and pixel, channels first.
    private (float[] Values, bool IsPerPixel) Spread(GraphNode node, GraphConstant constant, GraphValue x)
    {
        var (channels, height, width) = x.Signal.Shape;
        var values = constant.Floats.Span;
        if (values.Length == 1)
        {
            var one = _budget.New(channels);
            Array.Fill(one, values[0]);
            return (one, false);
        }

        // The trailing dimensions that broadcasting lays over [channels, height, width], or [height, width, channels].
        var rank = x.Layout == GraphLayout.Flat ? 1 : 3;
        var shape = constant.Shape.Skip(Math.Max(0, constant.Shape.Length - rank)).ToList();
        shape.InsertRange(0, Enumerable.Repeat(1, rank - Math.Min(rank, shape.Count)));
        if (values.Length == shape.Aggregate(1L, (product, size) => product * size))
        {
            var isLast = x.Layout == GraphLayout.ChannelsLast;
            int[] perChannel = rank == 1 ? [channels] : isLast ? [1, 1, channels] : [channels, 1, 1];
            int[] perPixel = isLast ? [height, width, channels] : [channels, height, width];
            if (shape.SequenceEqual(perChannel))
            {
                return (_budget.Copy(values), false);
            }

            if (rank == 3 && shape.SequenceEqual(perPixel))
            {
                return (isLast ? Transposed(values, height * width, channels) : _budget.Copy(values), true);
            }
        }

        throw node.Refuse(
            $"computes with a constant shaped {ErrorText.Shape(constant.Shape)} on images of {x.Signal.Shape}",
            "one value, one for each channel, or one for each channel and pixel");
    }
}
