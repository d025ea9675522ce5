using System.Collections.Immutable;

namespace Microsoft.ML.ResNet.Onnx;

/// <summary>A graph being written: nodes in the order of computation, and constants.</summary>
internal sealed class OnnxGraph
{
    private readonly ImmutableArray<OnnxNode>.Builder _nodes = ImmutableArray.CreateBuilder<OnnxNode>();
    private readonly ImmutableArray<OnnxTensor>.Builder _initializers = ImmutableArray.CreateBuilder<OnnxTensor>();

    public string Add(OnnxTensor tensor)
    {
        _initializers.Add(tensor);
        return tensor.Name;
    }

    public string Add(string operation, ImmutableArray<string> inputs, string output, params ImmutableArray<OnnxAttribute> attributes)
    {
        _nodes.Add(new OnnxNode(operation, inputs, output, attributes));
        return output;
    }

    public void Add(OnnxNode node) => _nodes.Add(node);

    public string AddIntegers(string name, params ReadOnlySpan<long> values) => Add(OnnxTensor.Integers(name, values));

    public string Add(WeightTensor tensor) =>
        Add(OnnxTensor.Floats(tensor.Name, [.. tensor.Shape.Select(size => (long)size)], tensor.Values));

    public OnnxModel ToModel(
        string name, OnnxValue input, ImmutableArray<OnnxValue> outputs, ImmutableArray<KeyValuePair<string, string>> metadata) =>
        new(name, _nodes.ToImmutable(), _initializers.ToImmutable(), [input], outputs, metadata);
}
