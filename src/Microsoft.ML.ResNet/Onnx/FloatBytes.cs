using System.Buffers;
using System.Runtime.InteropServices;

namespace Microsoft.ML.ResNet.Onnx;

/// <summary>The bytes of floats, where they are: a network is written without a second copy of its weights.</summary>
/// <param name="floats">The floats, which are only read.</param>
internal sealed class FloatBytes(ReadOnlyMemory<float> floats) : MemoryManager<byte>
{
    /// <inheritdoc/>
    public override Span<byte> GetSpan() => MemoryMarshal.AsBytes(MemoryMarshal.AsMemory(floats).Span);

    /// <inheritdoc/>
    public override MemoryHandle Pin(int elementIndex = 0) =>
        throw new NotSupportedException("Read the span: nothing here hands out addresses.");

    /// <inheritdoc/>
    public override void Unpin() => throw new NotSupportedException("Nothing was pinned.");

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        // The floats are their owner's.
    }
}
