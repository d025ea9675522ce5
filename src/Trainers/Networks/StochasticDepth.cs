using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Trainers.Devices;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Networks;

/// <summary>
/// Skips the residual branch of blocks at random, image by image; what is kept is scaled up, so that its mean stays (Huang et al., 2016;
/// the linear rule of section 3).
/// </summary>
/// <param name="plan">The network. Blocks without a shortcut cannot be skipped.</param>
/// <param name="probability">The probability with which the last block is skipped.</param>
internal sealed class StochasticDepth(LayerPlan plan, double probability)
{
    private readonly Dictionary<Layer, double> _keep = Rates(plan, probability);
    private Random _random = new(0);

    /// <summary>Sets the source of random numbers for the next forward pass.</summary>
    public void Roll(Random random) => _random = random;

    /// <summary>Applies it to the residual that an addition reads, in place.</summary>
    /// <param name="layer">The addition.</param>
    /// <param name="residual">[batch, channels, height, width]; nothing else reads it.</param>
    public Tensor Apply(AddLayer layer, Tensor residual)
    {
        using var scales = TensorFactory.OnCpu.Empty([residual.shape[0], 1, 1, 1], ScalarType.Float32);
        Draw(layer, MemoryMarshal.Cast<byte, float>(scales.bytes));
        return residual.mul_(scales.to(residual.dtype, residual.device));
    }

    /// <summary>Draws what the residual of each image is multiplied by; a pass draws for one addition after another.</summary>
    /// <param name="layer">The addition.</param>
    /// <param name="scales">Takes a number for each image.</param>
    public void Draw(AddLayer layer, Span<float> scales)
    {
        var keep = _keep[layer];
        foreach (ref var scale in scales)
        {
            scale = _random.NextDouble() < keep ? (float)(1 / keep) : 0;
        }
    }

    private static Dictionary<Layer, double> Rates(LayerPlan plan, double probability)
    {
        Layer[] additions = [.. plan.Layers.OfType<AddLayer>()];
        return additions.Index().ToDictionary(each => each.Item, each => 1 - probability * (each.Index + 1) / additions.Length);
    }
}
