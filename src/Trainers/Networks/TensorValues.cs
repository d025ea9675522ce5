using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Trainers.Devices;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Networks;

/// <summary>Copies between Torch's tensors, whatever their strides and their device, and weights in row-major order.</summary>
internal static class TensorValues
{
    /// <summary>Copies a tensor of floats out of Torch.</summary>
    public static WeightTensor ToWeight(this Tensor tensor, string name)
    {
        using var scope = NewDisposeScope();
        var values = tensor.detach().ToCpu().contiguous().data<float>().ToArray();
        return new WeightTensor(name, [.. tensor.shape.Select(size => (int)size)], values);
    }

    /// <summary>Gets a tensor whose values the program can read: itself, or a copy from another device.</summary>
    public static Tensor ToCpu(this Tensor tensor) => tensor.device_type == TorchSharp.DeviceType.CPU ? tensor : tensor.cpu();

    /// <summary>Copies a weight into Torch, into the CPU's memory.</summary>
    public static Tensor ToTensor(this WeightTensor weight)
    {
        var tensor = TensorFactory.OnCpu.Empty([.. weight.Shape.Select(size => (long)size)], ScalarType.Float32);
        weight.Values.Span.CopyTo(MemoryMarshal.Cast<byte, float>(tensor.bytes));
        return tensor;
    }
}
