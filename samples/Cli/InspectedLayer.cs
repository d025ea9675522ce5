using Microsoft.ML.ResNet;

namespace Cli;

/// <summary>A layer of a network.</summary>
/// <param name="Name">Its name, the prefix of its tensors.</param>
/// <param name="Kind">What it computes.</param>
/// <param name="Output">Channels, height and width of its result.</param>
/// <param name="Parameters">Its trained values.</param>
/// <param name="MultiplyAdds">What it costs for one image.</param>
internal sealed record InspectedLayer(string Name, string Kind, int[] Output, long Parameters, long MultiplyAdds)
{
    public static InspectedLayer Of(Layer layer) => new(
        layer.Name,
        Describe(layer),
        [layer.Output.Channels, layer.Output.Height, layer.Output.Width],
        layer.Weights.Where(weight => weight.IsParameter).Sum(weight => (long)weight.Size),
        layer.MultiplyAdds);

    private static string Describe(Layer layer) => layer switch
    {
        ConvolutionLayer convolution => $"{convolution.Kernel}×{convolution.Kernel} convolution"
            + $"{(convolution.Stride > 1 ? $", stride {convolution.Stride}" : "")}"
            + $"{(convolution.Groups > 1 ? $", {convolution.Groups} groups" : "")}",
        _ => Words(layer.GetType().Name.Replace("Layer", "")),
    };

    // GlobalAveragePool: global average pool.
    private static string Words(string name) => string.Concat(
        name.Select((letter, index) => char.IsUpper(letter) ? $"{(index > 0 ? " " : "")}{char.ToLowerInvariant(letter)}" : $"{letter}"));
}
