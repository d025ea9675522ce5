using Microsoft.ML.ResNet.Files;

namespace Microsoft.ML.ResNet.Weights;

/// <summary>The second half of reading both PyTorch formats: from an interpreted pickle, and a way to read storages, to weights.</summary>
internal static class TorchTensors
{
    /// <summary>Reads the tensors that a network needs.</summary>
    /// <param name="root">What the pickle holds.</param>
    /// <param name="allowance">The memory that there is.</param>
    /// <param name="readStorage">Gives a storage's bytes, little-endian. It is called once for each storage, and not for those of an
    /// optimizer.</param>
    public static ResNetWeights Read(object? root, MemoryAllowance allowance, Func<StorageReference, byte[]> readStorage)
    {
        var builder = new WeightsBuilder(allowance);
        var tensors = new List<(PendingTensor Tensor, TensorView View)>();
        foreach (var (name, view) in StateDictionary.Find(root))
        {
            if (builder.Declare(name, view.Type, view.Shape) is { } tensor)
            {
                view.Check(name);
                tensors.Add((tensor, view));
            }
        }

        foreach (var sharing in tensors.GroupBy(each => each.View.Storage))
        {
            var bytes = readStorage(sharing.Key);
            foreach (var (tensor, view) in sharing)
            {
                if (!view.IsContiguous)
                {
                    allowance.Take(tensor.StoredBytes);
                }

                view.CopyTo(bytes, tensor.Allocate());
            }
        }

        return builder.Build();
    }
}
