using System.Globalization;
using System.Runtime.InteropServices;
using Google.Protobuf;
using Microsoft.ML.ResNet.Interop;
using Microsoft.ML.ResNet.Weights;

namespace Microsoft.ML.ResNet.Onnx;

/// <summary>A constant of a <see cref="ServedGraph"/>: a small one is part of the graph, the values of a large one lie outside.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Shape">Its dimensions.</param>
/// <param name="ElementType">ONNX's number of the type of its elements.</param>
/// <param name="Small">The bytes of a small one.</param>
internal sealed record ServedTensor(string Name, IReadOnlyList<long> Shape, long ElementType, byte[] Small)
{
    /// <summary>Gets where the values of a large one lie.</summary>
    public LargeMemory? Memory { get; init; }

    public long Offset { get; init; }

    public long Length { get; init; }

    public bool IsFloat => ElementType == (long)OnnxElementType.Float;

    /// <summary>Gets the values of a tensor of floats.</summary>
    public Span<float> Floats => MemoryMarshal.Cast<byte, float>(Memory is null ? Small : Memory.Slice(Offset, Length));

    /// <summary>Writes it as a TensorProto.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="weightsName">The name by which the graph calls what lies outside.</param>
    public void WriteTo(CodedOutputStream output, string weightsName)
    {
        foreach (var dimension in Shape)
        {
            output.WriteField(OnnxFields.Tensor.Dimensions, dimension);
        }

        output.WriteField(OnnxFields.Tensor.ElementType, ElementType);
        output.WriteField(OnnxFields.Tensor.Name, Name);
        if (Memory is null)
        {
            output.WriteField(OnnxFields.Tensor.RawData, UnsafeByteOperations.UnsafeWrap(Small));
            return;
        }

        WriteExternal(output, "location", weightsName);
        WriteExternal(output, "offset", Offset.ToString(CultureInfo.InvariantCulture));
        WriteExternal(output, "length", Length.ToString(CultureInfo.InvariantCulture));
        output.WriteField(OnnxFields.Tensor.DataLocation, 1);
    }

    // StringStringEntryProto: a key and a value, as metadata has them.
    private static void WriteExternal(CodedOutputStream output, string key, string value)
    {
        using var entry = new MemoryStream();
        using (var fields = new CodedOutputStream(entry, leaveOpen: true))
        {
            fields.WriteField(OnnxFields.MetadataEntry.Key, key);
            fields.WriteField(OnnxFields.MetadataEntry.Value, value);
        }

        output.WriteField(OnnxFields.Tensor.ExternalData, UnsafeByteOperations.UnsafeWrap(entry.ToArray()));
    }
}
