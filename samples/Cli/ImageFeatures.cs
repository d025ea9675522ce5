using System.Runtime.InteropServices;

namespace Cli;

/// <summary>The features of an image.</summary>
/// <param name="File">The image's path.</param>
/// <param name="Values">The features.</param>
internal sealed record ImageFeatures(string File, float[] Values)
{
    /// <summary>Writes them for another process.</summary>
    public static void Write(BinaryWriter writer, ImageFeatures features)
    {
        writer.Write(features.File);
        writer.Write(features.Values.Length);
        writer.Write(MemoryMarshal.AsBytes(features.Values.AsSpan()));
    }

    /// <summary>Reads what another process wrote.</summary>
    public static ImageFeatures Read(BinaryReader reader)
    {
        var (file, values) = (reader.ReadString(), new float[reader.ReadInt32()]);
        reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(values.AsSpan()));
        return new ImageFeatures(file, values);
    }
}
