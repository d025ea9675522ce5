using System.Buffers.Binary;
using System.Text;
using Microsoft.ML.ResNet.Files;

namespace Microsoft.ML.ResNet.Weights;

/// <summary>The formats that weights are read from.</summary>
internal enum WeightsFormat
{
    Unknown,
    Safetensors,

    /// <summary>A PyTorch checkpoint since 1.6, or an ML.NET model: their entries tell them apart.</summary>
    Zip,

    /// <summary>A PyTorch checkpoint before 1.6: pickles one after another, then the storages.</summary>
    TorchLegacy,
    Onnx,
}

/// <summary>Tells formats apart by their first bytes; a file's name is never looked at.</summary>
internal static class WeightsFormats
{
    public const string Supported =
        "safetensors, PyTorch checkpoints (zip or legacy pickle), ONNX models and ML.NET models saved by this library";

    /// <summary>As many bytes as <see cref="Recognize"/> looks at.</summary>
    public const int LookAt = 16;

    // PROTO 2, LONG1 of 10 bytes, torch.serialization.MAGIC_NUMBER, STOP.
    private static ReadOnlySpan<byte> TorchMagic =>
        [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, (byte)'.'];

    public static WeightsFormat Recognize(ReadOnlySpan<byte> start, long fileLength)
    {
        if (start.StartsWith("PK\x03\x04"u8) || start.StartsWith("PK\x05\x06"u8))
        {
            return WeightsFormat.Zip;
        }

        if (start.StartsWith(TorchMagic))
        {
            return WeightsFormat.TorchLegacy;
        }

        // A ModelProto begins with field 1, ir_version, a number below 128; as the length of a safetensors header, it would make that
        // larger than any file.
        var isOnnx = start is [0x08, > 0 and < 0x80, ..];
        if (start.Length > 8 && start[8] == '{' && (!isOnnx || BinaryPrimitives.ReadUInt64LittleEndian(start) <= (ulong)fileLength))
        {
            return WeightsFormat.Safetensors;
        }

        return isOnnx ? WeightsFormat.Onnx : WeightsFormat.Unknown;
    }

    /// <summary>
    /// Describes the format, or the start of a file that has none of them: a web page and a pointer of Git LFS show themselves there.
    /// </summary>
    public static string Describe(WeightsFormat format, ReadOnlySpan<byte> start) => format switch
    {
        WeightsFormat.Safetensors => "a safetensors file",
        WeightsFormat.Zip => "a zip file",
        WeightsFormat.TorchLegacy => "a legacy PyTorch checkpoint",
        WeightsFormat.Onnx => "an ONNX model",
        _ when start.IsEmpty => "an empty file",
        _ when start.IndexOfAnyExceptInRange((byte)' ', (byte)'~') < 0 =>
            $"a text that starts with {ErrorText.Quote(Encoding.ASCII.GetString(start))}",
        _ => $"a file that starts with the bytes {Convert.ToHexStringLower(start)}",
    };
}
