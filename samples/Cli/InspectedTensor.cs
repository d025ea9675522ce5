using System.Numerics.Tensors;
using Microsoft.ML.ResNet;

namespace Cli;

/// <summary>A tensor of weights.</summary>
/// <param name="Name">Its name in PyTorch's state dictionary.</param>
/// <param name="Shape">Its dimensions.</param>
/// <param name="Min">Its smallest value; NaN if one is not a number.</param>
/// <param name="Max">Its largest value; NaN if one is not a number.</param>
/// <param name="Mean">The mean of its values.</param>
/// <param name="StandardDeviation">Their standard deviation.</param>
internal sealed record InspectedTensor(string Name, int[] Shape, double Min, double Max, double Mean, double StandardDeviation)
{
    public static InspectedTensor Of(WeightTensor tensor)
    {
        var values = tensor.Values.Span;
        if (values.IsEmpty)
        {
            return new InspectedTensor(tensor.Name, [.. tensor.Shape], double.NaN, double.NaN, double.NaN, double.NaN);
        }

        // In doubles: a sum of a million floats has lost digits.
        var (sum, squares) = (0.0, 0.0);
        foreach (var value in values)
        {
            sum += value;
        }

        var mean = sum / values.Length;
        foreach (var value in values)
        {
            squares += (value - mean) * (value - mean);
        }

        return new InspectedTensor(tensor.Name, [.. tensor.Shape], TensorPrimitives.Min(values), TensorPrimitives.Max(values), mean,
            Math.Sqrt(squares / values.Length));
    }
}
