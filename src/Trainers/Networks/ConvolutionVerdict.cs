using System.Collections.Immutable;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Networks;

/// <summary>How a convolution is computed, and why.</summary>
/// <param name="Shape">The convolution.</param>
/// <param name="Type">The type that it multiplies in.</param>
/// <param name="Tried">The ways that were tried, none on another device than the CPU, with the largest error of result and gradients, in
/// units of their root mean square.</param>
/// <param name="Method">The way that is taken.</param>
internal sealed record ConvolutionVerdict(
    ConvolutionShape Shape, ScalarType Type, ImmutableArray<(ConvolutionMethod Method, double Error)> Tried, ConvolutionMethod Method)
{
    /// <summary>Takes Torch's own convolution unseen: on another device than the CPU, whose kernels are not those that were
    /// wrong.</summary>
    public static ConvolutionVerdict Unchecked(ConvolutionShape shape, ScalarType type) =>
        new(shape, type, [], ConvolutionMethod.Direct);

    /// <summary>Gets whether the first way was wrong.</summary>
    public bool IsReplaced => Tried.Length > 1;

    /// <summary>Gets the error of the way that is taken.</summary>
    public double Error => Tried.First(each => each.Method == Method).Error;

    /// <summary>Says what was wrong, and what is done instead.</summary>
    public override string ToString()
    {
        var wrong = string.Join(", ", Tried
            .Where(each => each.Method != Method)
            .Select(each => FormattableString.Invariant($"{each.Method} by {each.Error:0.###}")));
        return $"This CPU computes the convolution {Shape}, wrongly in {Type} ({wrong}, in units of the values): "
            + FormattableString.Invariant($"it is computed by {Method} instead, which is off by {Error:0.####}.");
    }
}
