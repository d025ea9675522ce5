using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Text;

namespace Microsoft.ML.ResNet.Scoring;

/// <summary>
/// The file of a collection of similar images, all numbers little-endian: the mark; the version, the number of images and the number of
/// features, 4 bytes each; for each image the length of its path, 4 bytes, and the path in UTF-8; then the features of all images, each
/// image's of length 1, as float32.
/// </summary>
internal static class SimilarImagesFile
{
    private const int Version = 1;
    private const int MostFeatures = 1 << 16;
    private const int LongestPath = 1 << 15; // bytes; Windows has 32,767 characters

    private static ReadOnlySpan<byte> Mark => "RESNETSI"u8;

    public static void Write(Stream stream, SimilarImages images)
    {
        stream.Write(Mark);
        WriteNumber(stream, Version);
        WriteNumber(stream, images.Paths.Length);
        WriteNumber(stream, images.FeatureCount);
        foreach (var path in images.Paths)
        {
            var bytes = Encoding.UTF8.GetBytes(path);
            if (bytes.Length > LongestPath)
            {
                throw new InvalidOperationException($"The path '{path[..100]}…' is too long to be saved.");
            }

            WriteNumber(stream, bytes.Length);
            stream.Write(bytes);
        }

        WriteFloats(stream, images.Directions);
    }

    /// <summary>Reads a seekable stream.</summary>
    /// <exception cref="InvalidDataException">It is no such file.</exception>
    public static SimilarImages Read(FileStream stream)
    {
        Span<byte> mark = stackalloc byte[Mark.Length];
        if (stream.ReadAtLeast(mark, mark.Length, throwOnEndOfStream: false) < mark.Length || !mark.SequenceEqual(Mark))
        {
            throw new InvalidDataException("it does not begin as one");
        }

        var version = ReadNumber(stream);
        if (version != Version)
        {
            throw new InvalidDataException($"it is of version {version}, and {Version} is known: a later version of this library wrote it");
        }

        var (count, features) = (ReadNumber(stream), ReadNumber(stream));
        var values = (long)count * features;
        if (count < 0 || features < 0 || features > MostFeatures || (features == 0 && count > 0)
            || values * sizeof(float) + (long)count * sizeof(int) > stream.Length - stream.Position || values > Array.MaxLength)
        {
            throw new InvalidDataException($"it claims {count:n0} images of {features:n0} features, which it is too short for");
        }

        using var buffered = new BufferedStream(stream, 1 << 16);
        var paths = ImmutableArray.CreateBuilder<string>(count);
        for (var i = 0; i < count; i++)
        {
            paths.Add(ReadPath(buffered));
        }

        if (stream.Length - buffered.Position != values * sizeof(float))
        {
            throw new InvalidDataException("its length is not that of its images");
        }

        var directions = new float[values];
        ReadFloats(buffered, directions);
        Check(directions, features);
        return new SimilarImages(paths.MoveToImmutable(), directions, features);
    }

    // Of length 1, or nothing: otherwise what is called a cosine is none.
    private static void Check(float[] directions, int features)
    {
        for (var start = 0; start < directions.Length; start += features)
        {
            var direction = directions.AsSpan(start, features);
            if (Math.Abs(TensorPrimitives.Norm(direction) - 1) is not <= 1e-3f && direction.ContainsAnyExcept(0f))
            {
                throw new InvalidDataException("it holds features that are not of length 1");
            }
        }
    }

    private static string ReadPath(Stream stream)
    {
        var length = ReadNumber(stream);
        if (length is < 0 or > LongestPath)
        {
            throw new InvalidDataException($"it claims a path of {length:n0} bytes");
        }

        Span<byte> bytes = new byte[length];
        stream.ReadExactly(bytes);
        return Encoding.UTF8.GetString(bytes);
    }

    private static void WriteNumber(Stream stream, int number)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, number);
        stream.Write(bytes);
    }

    private static int ReadNumber(Stream stream)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        stream.ReadExactly(bytes);
        return BinaryPrimitives.ReadInt32LittleEndian(bytes);
    }

    private static void WriteFloats(Stream stream, ReadOnlySpan<float> values)
    {
        const int block = 1 << 16;
        var turned = BitConverter.IsLittleEndian ? [] : new int[block];
        for (var start = 0; start < values.Length; start += block)
        {
            var bits = MemoryMarshal.Cast<float, int>(values.Slice(start, Math.Min(block, values.Length - start)));
            if (!BitConverter.IsLittleEndian)
            {
                BinaryPrimitives.ReverseEndianness(bits, turned);
                bits = turned.AsSpan(0, bits.Length);
            }

            stream.Write(MemoryMarshal.AsBytes(bits));
        }
    }

    private static void ReadFloats(Stream stream, float[] values)
    {
        const int block = 1 << 16;
        for (var start = 0; start < values.Length; start += block)
        {
            var bits = MemoryMarshal.Cast<float, int>(values.AsSpan(start, Math.Min(block, values.Length - start)));
            stream.ReadExactly(MemoryMarshal.AsBytes(bits));
            if (!BitConverter.IsLittleEndian)
            {
                BinaryPrimitives.ReverseEndianness(bits, bits);
            }
        }
    }
}
