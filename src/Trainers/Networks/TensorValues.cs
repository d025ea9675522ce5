using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Networks;

/// <summary>Copies between Torch's tensors, whatever their strides, and weights in row-major order.</summary>
internal static class TensorValues
{
    /// <summary>Copies a tensor of floats out of Torch.</summary>
    public static WeightTensor ToWeight(this Tensor tensor, string name)
    {
        using var scope = NewDisposeScope();
        return new WeightTensor(name, [.. tensor.shape.Select(size => (int)size)], tensor.detach().contiguous().data<float>().ToArray());
    }

    /// <summary>Copies a weight into Torch.</summary>
    public static Tensor ToTensor(this WeightTensor weight)
    {
        var tensor = empty([.. weight.Shape.Select(size => (long)size)], ScalarType.Float32);
        weight.Values.Span.CopyTo(MemoryMarshal.Cast<byte, float>(tensor.bytes));
        return tensor;
    }
}
