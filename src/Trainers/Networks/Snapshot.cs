using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Networks;

/// <summary>
/// The weights and statistics of a network as they were, kept in Torch: one for a whole run, where a copy in .NET's memory would be garbage
/// after each epoch.
/// </summary>
internal sealed class Snapshot(ResidualNetwork network) : IDisposable
{
    private readonly (string Name, Tensor Source, Tensor Copy)[] _tensors = [.. network.State.Select(each => (each.Key, each.Value, empty_like(each.Value, requires_grad: false)))];

    /// <summary>Takes the network's weights and statistics.</summary>
    public void Take()
    {
        using var noGradients = no_grad();
        foreach (var (_, source, copy) in _tensors)
        {
            copy.copy_(source);
        }
    }

    /// <summary>Copies out what was taken.</summary>
    public ResNetWeights ToWeights() => new(_tensors.Select(each => each.Copy.ToWeight(each.Name)));

    public void Dispose()
    {
        foreach (var (_, _, copy) in _tensors)
        {
            copy.Dispose();
        }
    }
}
