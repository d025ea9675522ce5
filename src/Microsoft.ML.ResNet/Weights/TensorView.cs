using Microsoft.ML.ResNet.Files;
using static Microsoft.ML.ResNet.Files.ErrorText;

namespace Microsoft.ML.ResNet.Weights;

/// <summary>
/// A tensor of PyTorch: a window on a storage, described by where it starts and by the step of each dimension, in elements.
/// </summary>
internal sealed record TensorView(StorageReference Storage, ElementType Type, long Offset, long[] Shape, long[] Strides)
{
    private long StorageCount => (long)(Storage.Bytes / Type.Size);

    /// <summary>Checks that every element lies in the storage, and that no element can be there twice.</summary>
    /// <remarks>A view must not be larger than its storage, so that a small file cannot describe large tensors.</remarks>
    public void Check(string name)
    {
        if (Storage.Bytes > long.MaxValue || Offset < 0 || Shape.Length != Strides.Length || Strides.Any(stride => stride < 0))
        {
            throw new InvalidDataException(
                $"tensor {Quote(name)} starts at {Offset} with steps of {ErrorText.Shape(Strides)} for {Shape.Length} dimensions");
        }

        var (size, last) = (Int128.One, (Int128)Offset);
        for (var i = 0; i < Shape.Length; i++)
        {
            if (Shape[i] > 1 && Strides[i] == 0)
            {
                throw new InvalidDataException($"tensor {Quote(name)} repeats one value {Shape[i]:n0} times; save it contiguous");
            }

            size *= Shape[i];
            last += (Int128)(Shape[i] - 1) * Strides[i];
        }

        if (size > 0 && (last >= StorageCount || size > StorageCount))
        {
            throw new InvalidDataException($"tensor {Quote(name)} reaches outside of its storage of {StorageCount:n0} values");
        }
    }

    /// <summary>Copies the elements in row-major order.</summary>
    public void CopyTo(ReadOnlySpan<byte> storage, Span<float> values)
    {
        if (values.IsEmpty)
        {
            return;
        }

        if (IsContiguous)
        {
            Type.ToFloats(storage.Slice((int)Offset * Type.Size, values.Length * Type.Size), values);
            return;
        }

        var gathered = new byte[values.Length * Type.Size];
        Gather(storage, gathered);
        Type.ToFloats(gathered, values);
    }

    /// <summary>Gets whether the elements lie one after another; they are copied once more where they do not.</summary>
    public bool IsContiguous
    {
        get
        {
            var step = 1L;
            for (var i = Shape.Length - 1; i >= 0; i--)
            {
                if (Shape[i] > 1 && Strides[i] != step)
                {
                    return false;
                }

                step *= Shape[i];
            }

            return true;
        }
    }

    // Counts up the index as an odometer does: the last dimension turns fastest.
    private void Gather(ReadOnlySpan<byte> storage, Span<byte> gathered)
    {
        Span<long> index = stackalloc long[Shape.Length];
        index.Clear();
        for (var position = Offset; !gathered.IsEmpty; gathered = gathered[Type.Size..])
        {
            storage.Slice((int)position * Type.Size, Type.Size).CopyTo(gathered);
            for (var i = Shape.Length - 1; i >= 0; i--)
            {
                position += Strides[i];
                if (++index[i] < Shape[i])
                {
                    break;
                }

                position -= Shape[i] * Strides[i];
                index[i] = 0;
            }
        }
    }
}
