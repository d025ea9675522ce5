using System.Collections.Immutable;

namespace Microsoft.ML.ResNet.Graphs;

// What puts pixels and channels elsewhere: orders of dimensions, zeros around an image, parts of it, other channels.
internal sealed partial class OperationReader
{
    private static GraphValue Transpose(GraphNode node, GraphValue x) => x.Layout switch
    {
        GraphLayout.Flat => x,
        GraphLayout.ChannelsLast when IsPermutation(node, ToChannelsFirst) => x with { Layout = GraphLayout.ChannelsFirst },
        GraphLayout.ChannelsFirst when IsPermutation(node, ToChannelsLast) => x with { Layout = GraphLayout.ChannelsLast },
        _ => throw node.Refuse(
            "has another order of dimensions", "[0, 3, 1, 2] to put channels first or [0, 2, 3, 1] to put them last"),
    };

    private static GraphValue Flatten(GraphNode node, GraphValue x) => x.Signal.Shape is (_, 1, 1) && x.Channel is null && x.Border.IsEmpty
        ? x with { Layout = GraphLayout.Flat }
        : throw node.Refuse($"gives images of {x.Signal.Shape} another shape", "one pixel, as after global pooling");

    private void ReadPad(GraphNode node, string output)
    {
        var x = Plain(node, 0);
        var value = Constant(node, 2) is { } constant
            ? constant.Floats.Length == 1 ? constant.Floats.Span[0] : float.NaN
            : node.Float("value", 0);
        var pads = Numbers(node, 1, "pads") ?? [];
        if ((node.Text("mode") ?? "constant") != "constant" || value != 0 || node.Inputs.Length > 3
            || pads is not [0, _, _, _, 0, _, _, _] || pads.Any(pad => pad is < 0 or > LargestSide))
        {
            throw node.Refuse("does not pad with zeros", "eight numbers of zeros around height, width or channels");
        }

        var (channel, height) = (x.ChannelAxis, x.HeightAxis);
        var border = new ZeroBorder((int)pads[height], (int)pads[height + 1], (int)pads[height + 4], (int)pads[height + 5]);
        var (before, after) = ((int)pads[channel], (int)pads[channel + 4]);
        if (before + after == 0)
        {
            _values[output] = x with { Border = border };
            return;
        }

        if (!border.IsEmpty)
        {
            throw node.Refuse("pads channels and pixels at once", "one of them");
        }

        var shape = x.Signal.Shape with { Channels = x.Signal.Shape.Channels + before + after };
        if (shape.Channels > MostChannels)
        {
            throw node.Refuse($"makes {shape.Channels:n0} channels", $"up to {MostChannels:n0}");
        }

        Add(output, new Operation.PadChannels(node, new Signal(shape, x.Signal.IsNonNegative), before, after), x);
    }

    private void ReadSplit(GraphNode node)
    {
        var x = Plain(node, 0);
        var axis = node.Integer("axis", 0);
        if ((axis < 0 ? axis + 4 : axis) != x.ChannelAxis || node.Outputs.Length != x.Signal.Shape.Channels
            || (Numbers(node, 1, "split") is { } sizes && sizes.Any(size => size != 1)))
        {
            throw node.Refuse("does not split an image into its channels", "as many results as channels");
        }

        foreach (var (channel, output) in node.Outputs.Index())
        {
            _values[output] = x with { Channel = channel };
        }
    }

    private void ReadConcat(GraphNode node, string output)
    {
        var parts = node.Inputs.Select((_, index) => Input(node, index)).ToArray();
        var x = parts[0];
        var axis = node.Integer("axis", 1);
        if ((axis < 0 ? axis + 4 : axis) != x.ChannelAxis || parts.Length != x.Signal.Shape.Channels
            || parts.Any(part => part.Signal != x.Signal || part.Channel is null || part.Layout != x.Layout))
        {
            throw node.Refuse("joins different values", "the channels of one image in another order");
        }

        AddOrder(node, output, x with { Channel = null }, [.. parts.Select(part => part.Channel!.Value)]);
    }

    private void ReadGather(GraphNode node, string output)
    {
        var x = Plain(node, 0);
        var axis = node.Integer("axis", 0);
        if ((axis < 0 ? axis + 4 : axis) != x.ChannelAxis || Constant(node, 1) is not { Shape: [_] } order)
        {
            throw node.Refuse("picks out parts of an image", "its channels in another order");
        }

        var channels = x.Signal.Shape.Channels;
        AddOrder(node, output, x, [.. order.Integers.Select(channel => channel < 0 ? channel + channels : channel)
            .Select(channel => channel >= 0 && channel < channels ? (int)channel : -1)]);
    }

    private void AddOrder(GraphNode node, string output, GraphValue x, ImmutableArray<int> sources)
    {
        if (sources.Length != x.Signal.Shape.Channels || !sources.Order().SequenceEqual(Enumerable.Range(0, sources.Length)))
        {
            throw node.Refuse("takes channels twice or leaves some out", "each channel once, in any order");
        }

        Add(output, new Operation.Reorder(node, new Signal(x.Signal.Shape, x.Signal.IsNonNegative), sources), x);
    }

    private void ReadSlice(GraphNode node, string output)
    {
        var x = Plain(node, 0);
        var (starts, ends) = (Numbers(node, 1, "starts") ?? [], Numbers(node, 2, "ends") ?? []);
        ImmutableArray<long> axes = Numbers(node, 3, "axes") ?? [.. Enumerable.Range(0, starts.Length).Select(axis => (long)axis)];
        ImmutableArray<long> steps = Numbers(node, 4, "steps") ?? [.. starts.Select(_ => 1L)];
        if (x.Layout == GraphLayout.Flat || starts.IsEmpty || starts.Length > 4
            || (starts.Length, starts.Length, starts.Length) != (ends.Length, axes.Length, steps.Length)
            || axes.Any(axis => axis is < -4 or > 3) || steps.Any(step => step is 0 or < -1 or > LargestSide))
        {
            throw node.Refuse("takes parts of an image", "every second pixel, the middle, or the channels the other way round");
        }

        var shape = x.Signal.Shape;
        var parts = new SliceParts(0, shape.Height, 1, 0, shape.Width, 1);
        var isReversed = false;
        foreach (var (i, given) in axes.Index())
        {
            var axis = (int)(given < 0 ? given + 4 : given);
            if (axis == x.ChannelAxis && steps[i] == -1 && (starts[i] == -1 || starts[i] >= shape.Channels - 1)
                && ends[i] < -shape.Channels)
            {
                isReversed = true;
                continue;
            }

            var size = axis == x.HeightAxis ? shape.Height
                : axis == x.HeightAxis + 1 ? shape.Width
                : axis == x.ChannelAxis ? shape.Channels : 1;
            var (start, end) = (Place(starts[i], size), Place(ends[i], size));
            if (steps[i] < 1 || start >= end)
            {
                throw node.Refuse("takes pixels backward or none", "some, from the first to the last");
            }

            if (axis == x.HeightAxis)
            {
                parts = parts with { Top = start, Bottom = end, Down = (int)steps[i] };
            }
            else if (axis == x.HeightAxis + 1)
            {
                parts = parts with { Left = start, Right = end, Across = (int)steps[i] };
            }
            else if (axis != 0 && (start, end, steps[i]) != (0, size, 1))
            {
                throw node.Refuse("takes some of the channels", "all");
            }
        }

        AddSlice(node, output, x, parts, isReversed);

        // As Python counts: from the end where it is negative.
        static int Place(long place, int size) => (int)Math.Clamp(place < 0 ? Math.Max(place, -size) + size : place, 0, size);
    }

    private void AddSlice(GraphNode node, string output, GraphValue x, SliceParts parts, bool isReversed)
    {
        var (channels, height, width) = x.Signal.Shape;
        var isWhole = (parts.Top, parts.Left, parts.Bottom, parts.Right) == (0, 0, height, width);
        if (isReversed && isWhole && (parts.Down, parts.Across) == (1, 1))
        {
            AddOrder(node, output, x, [.. Enumerable.Range(0, channels).Reverse()]);
        }
        else if (!isReversed && isWhole)
        {
            var shape = new ImageShape(
                channels, ConvolutionLayer.Strided(height, parts.Down), ConvolutionLayer.Strided(width, parts.Across));
            Add(output, new Operation.Subsample(node, new Signal(shape, x.Signal.IsNonNegative), parts.Down, parts.Across), x);
        }
        else if (!isReversed && (parts.Down, parts.Across) == (1, 1) && parts.Top == parts.Left
            && (height - parts.Bottom, width - parts.Right) == (parts.Top, parts.Left))
        {
            var shape = new ImageShape(channels, parts.Bottom - parts.Top, parts.Right - parts.Left);
            Add(output, new Operation.Crop(node, new Signal(shape, x.Signal.IsNonNegative), parts.Top), x);
        }
        else
        {
            throw node.Refuse("takes parts of an image", "every second pixel, the middle, or the channels the other way round");
        }
    }

    private readonly record struct SliceParts(int Top, int Bottom, int Down, int Left, int Right, int Across);
}
