using System.Collections.Immutable;

namespace Microsoft.ML.ResNet.Graphs;

/// <summary>
/// What a graph does to pixels before its first convolution: averaging, cropping, another order of channels, and scale · x + shift.
/// </summary>
internal sealed class PixelSteps
{
    // A graph whose means are below it takes pixels from 0 to 1, not to 255.
    private const float LargestUnitMean = 1;
    private const float LargestByte = 255;

    private readonly ValueBudget _budget;
    private int[] _sources; // of each channel that comes out, the one that went in
    private float[] _scale;
    private float[] _shift;
    private int _supersampling = 1, _cropBorder;
    private bool _isIdentity = true;
    private GraphNode? _last;

    private PixelSteps(int channels, ValueBudget budget)
    {
        _budget = budget;
        _sources = [.. Enumerable.Range(0, channels)];
        _scale = budget.New(channels);
        Array.Fill(_scale, 1);
        _shift = budget.New(channels);
    }

    /// <summary>Gets the order of the channels: the n-th that comes out is this one of those that went in.</summary>
    public ImmutableArray<int> Sources => [.. _sources];

    /// <summary>Walks from a graph's input to what is no preprocessing any more.</summary>
    /// <param name="input">The images.</param>
    /// <param name="budget">Room for constants.</param>
    /// <param name="images">What the network reads.</param>
    public static PixelSteps Walk(Signal input, ValueBudget budget, out Signal images)
    {
        var steps = new PixelSteps(input.Shape.Channels, budget);
        images = input;
        while (images.Reader is { } next && steps.Take(next))
        {
            images = next.Output;
        }

        return steps;
    }

    /// <summary>Makes the preprocessing; null where nothing is done to the pixels.</summary>
    /// <param name="input">The shape that the network reads.</param>
    public ImagePreprocessing? ToPreprocessing(ImageShape input)
    {
        if (_isIdentity)
        {
            return null;
        }

        // scale·x + shift = (x − mean) / deviation, with the channels in the order in which they went in.
        var pixels = _shift.Length / _scale.Length;
        var (mean, deviation) = (_budget.New(_shift.Length), _budget.New(_scale.Length));
        for (var channel = 0; channel < _scale.Length; channel++)
        {
            var source = _sources[channel];
            deviation[source] = 1 / _scale[channel];
            for (var pixel = 0; pixel < pixels; pixel++)
            {
                mean[source * pixels + pixel] = -_shift[channel * pixels + pixel] / _scale[channel];
            }
        }

        if (mean.Any(each => !float.IsFinite(each)) || deviation.Any(each => !(each > 0 && float.IsFinite(each))))
        {
            throw _last!.Refuse(
                "ends in (pixel − mean) / deviation with other numbers", "finite means, and deviations above zero");
        }

        if (deviation.All(each => each < LargestUnitMean) && mean.All(each => Math.Abs(each) <= LargestUnitMean))
        {
            Scale(mean);
            Scale(deviation);
        }

        return new ImagePreprocessing(input, [.. mean], [.. deviation]) { Supersampling = _supersampling, CropBorder = _cropBorder };
    }

    private static void Scale(float[] values)
    {
        foreach (ref var value in values.AsSpan())
        {
            value *= LargestByte;
        }
    }

    private bool Take(Operation operation)
    {
        switch (operation)
        {
            case Operation.AveragePool { IsGlobal: false } average when _isIdentity:
                _supersampling *= average.Kernel;
                break;
            case Operation.Crop crop when _shift.Length == _scale.Length:
                _cropBorder += crop.Border;
                break;
            case Operation.Reorder order:
                Reorder(order);
                return Known(order.Node, isIdentity: _isIdentity);
            case Operation.Affine affine:
                Multiply(affine.Scale);
                Add(affine.Shift);
                break;
            case Operation.Normalization normalization:
                Normalize(normalization);
                break;
            default:
                return false;
        }

        return Known(operation.Node, isIdentity: false);
    }

    private bool Known(GraphNode node, bool isIdentity)
    {
        (_last, _isIdentity) = (node, isIdentity);
        return true;
    }

    private void Reorder(Operation.Reorder order)
    {
        var pixels = _shift.Length / _scale.Length;
        var (sources, scale, shift) = (_sources, _scale, _shift);
        (_sources, _scale, _shift) = (new int[sources.Length], _budget.New(scale.Length), _budget.New(shift.Length));
        foreach (var (channel, source) in order.Sources.Index())
        {
            (_sources[channel], _scale[channel]) = (sources[source], scale[source]);
            shift.AsSpan(source * pixels, pixels).CopyTo(_shift.AsSpan(channel * pixels));
        }
    }

    private void Normalize(Operation.Normalization normalization)
    {
        var (scale, shift) = (_budget.New(_scale.Length), _budget.New(_scale.Length));
        for (var channel = 0; channel < scale.Length; channel++)
        {
            scale[channel] = normalization.Scale.Span[channel]
                / MathF.Sqrt(normalization.Variance.Span[channel] + BatchNormLayer.Epsilon);
            shift[channel] = normalization.Shift.Span[channel] - normalization.Mean.Span[channel] * scale[channel];
        }

        Multiply(scale);
        Add(shift);
    }

    private void Multiply(float[] scale)
    {
        var pixels = _shift.Length / _scale.Length;
        for (var channel = 0; channel < scale.Length; channel++)
        {
            _scale[channel] *= scale[channel];
            foreach (ref var value in _shift.AsSpan(channel * pixels, pixels))
            {
                value *= scale[channel];
            }
        }
    }

    private void Add(float[] shift)
    {
        if (shift.Length > _shift.Length)
        {
            var (perChannel, pixels) = (_shift, shift.Length / _scale.Length);
            _shift = _budget.New(shift.Length);
            for (var i = 0; i < _shift.Length; i++)
            {
                _shift[i] = perChannel[i / pixels];
            }
        }

        var repeat = _shift.Length / shift.Length;
        for (var i = 0; i < _shift.Length; i++)
        {
            _shift[i] += shift[i / repeat];
        }
    }
}
