using Microsoft.ML.ResNet.Trainers.Devices;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Networks;

/// <summary>
/// A copy of a network's weights and statistics in Torch's memory. It is reused for the whole run: a copy in .NET's memory would become
/// garbage after each epoch.
/// </summary>
internal sealed class Snapshot(ResidualNetwork network) : IDisposable
{
    private readonly (string Name, Tensor Source, Tensor Copy)[] _tensors =
        [.. network.State.Select(each => (each.Key, each.Value, TensorFactory.EmptyLike(each.Value)))];

    /// <summary>Copies the network's weights and statistics as they are now.</summary>
    public void Take()
    {
        using var noGradients = no_grad();
        foreach (var (_, source, copy) in _tensors)
        {
            copy.copy_(source);
        }
    }

    /// <summary>Converts the copy to weights in .NET's memory.</summary>
    public ResNetWeights ToWeights() => new(_tensors.Select(each => each.Copy.ToWeight(each.Name)));

    public void Dispose()
    {
        foreach (var (_, _, copy) in _tensors)
        {
            copy.Dispose();
        }
    }
}
