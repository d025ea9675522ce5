using System.Collections.Immutable;

namespace Microsoft.ML.ResNet.Trainers.Compiled;

/// <summary>
/// The layers of a plan in groups that are computed together: a normalization, the addition and the ReLU that follow it. A group is
/// computed where its last layer stands, when all that it reads is there.
/// </summary>
internal sealed class LayerGroups
{
    private readonly LayerPlan _plan;
    private readonly int _frozenLayers;
    private readonly bool _fusesAdditions;
    private readonly bool[] _isVector;
    private readonly int[] _lastOfGroup; // by layer

    /// <param name="plan">The plan.</param>
    /// <param name="frozenLayers">How many layers, from the image on, are frozen: no group has both frozen and trained ones.</param>
    /// <param name="fusesAdditions">Whether additions are computed with the normalization before them.</param>
    public LayerGroups(LayerPlan plan, int frozenLayers, bool fusesAdditions)
    {
        (_plan, _frozenLayers, _fusesAdditions) = (plan, frozenLayers, fusesAdditions);
        _isVector = FindVectors(plan);
        var byLast = new SortedDictionary<int, List<int>>();
        _lastOfGroup = new int[plan.Layers.Length];
        var isGrouped = new bool[plan.Layers.Length];
        for (var layer = 0; layer < plan.Layers.Length; layer++)
        {
            if (isGrouped[layer])
            {
                continue;
            }

            var group = GroupOf(layer);
            byLast.Add(group[^1], group);
            foreach (var member in group)
            {
                (isGrouped[member], _lastOfGroup[member]) = (true, group[^1]);
            }
        }

        All = [.. byLast.Values.Select(group => group.ToImmutableArray())];
    }

    /// <summary>Gets the groups, in the order of computation.</summary>
    public ImmutableArray<ImmutableArray<int>> All { get; }

    /// <summary>Gets whether a layer is frozen.</summary>
    public bool IsFrozen(int layer) => layer < _frozenLayers;

    /// <summary>Gets whether a layer's value has one position: features, gates, logits. It is kept as floats.</summary>
    public bool IsVector(int layer) => _isVector[layer];

    /// <summary>Gets whether a layer is a convolution whose result only one layer reads: its memory serves for its gradient.</summary>
    public bool IsOwned(int layer) => _plan.Layers[layer] is ConvolutionLayer && _plan.Readers[layer].Length == 1;

    /// <summary>Gets the last layer of the group that reads a layer's value last.</summary>
    public int LastReader(int layer) => _plan.Readers[layer].Max(reader => _lastOfGroup[reader]);

    /// <summary>Gets whether what was normalized, without a shortcut, is computed again for the backward pass instead of kept.</summary>
    /// <remarks>
    /// It takes less memory, and no more time: one pass over what its own gradient reads anyway, for a value that is not written to memory
    /// and read back. A sum with a shortcut would need the shortcut's value again, and that one another. What is pooled is kept: it fits
    /// into no cache.
    /// </remarks>
    public bool IsRecomputed(int layer) =>
        !IsFrozen(layer) && !_isVector[layer] && _plan.Readers[layer].All(reader => _plan.Layers[reader] is ConvolutionLayer);

    // The layer, and those after it that are computed with it.
    private List<int> GroupOf(int layer)
    {
        List<int> group = [layer];
        if (_plan.Layers[layer] is BatchNormLayer batchNorm
            && _fusesAdditions
            && IsOwned(batchNorm.Inputs[0])
            && OnlyReader(layer) is { } addition
            && _plan.Layers[addition] is AddLayer
            && IsFrozen(addition) == IsFrozen(layer))
        {
            group.Add(addition);
        }

        if (_plan.Layers[group[^1]] is BatchNormLayer or AddLayer
            && OnlyReader(group[^1]) is { } relu
            && _plan.Layers[relu] is ReluLayer
            && IsFrozen(relu) == IsFrozen(layer))
        {
            group.Add(relu);
        }

        return group;
    }

    private int? OnlyReader(int layer) =>
        _plan.Readers[layer] is [var reader] && _plan.Layers[reader].Inputs[0] == layer ? reader : null;

    // What is computed from means over all positions has one position.
    private static bool[] FindVectors(LayerPlan plan)
    {
        var isVector = new bool[plan.Layers.Length];
        for (var i = 0; i < isVector.Length; i++)
        {
            var layer = plan.Layers[i];
            isVector[i] = layer is GlobalAveragePoolLayer
                || (layer.Inputs.Length == 1 && isVector[layer.Inputs[0]])
                || (layer is ImageInputLayer && plan.Layers[1] is LinearLayer); // a head alone
        }

        return isVector;
    }
}
