using System.Buffers.Binary;
using System.Text;

namespace Microsoft.ML.ResNet.Tests.Weights;

/// <summary>Makes safetensors files of any header.</summary>
internal static class SafetensorsText
{
    public static byte[] File(string header, int dataLength = 0, ulong? claimedLength = null) =>
        File(header, new byte[dataLength], claimedLength);

    public static byte[] File(string header, byte[] data, ulong? claimedLength = null)
    {
        var json = Encoding.UTF8.GetBytes(header);
        var file = new byte[sizeof(ulong) + json.Length + data.Length];
        BinaryPrimitives.WriteUInt64LittleEndian(file, claimedLength ?? (ulong)json.Length);
        json.CopyTo(file, sizeof(ulong));
        data.CopyTo(file, sizeof(ulong) + json.Length);
        return file;
    }
}
