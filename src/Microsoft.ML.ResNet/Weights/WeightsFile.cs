using System.Collections.Immutable;
using Google.Protobuf;
using Microsoft.ML.ResNet.Files;

namespace Microsoft.ML.ResNet.Weights;

/// <summary>Reads weights from a file of any supported format, and names the file in what is said about one that is refused.</summary>
internal static class WeightsFile
{
    private const int BufferSize = 1 << 16;

    private delegate T Reader<T>(WeightsFormat format, Stream stream, MemoryAllowance allowance);

    public static ResNetWeights Read(string path, long maxBytes, CancellationToken cancellation) =>
        Open(path, maxBytes, ReadWeights, cancellation);

    /// <summary>Reads a seekable stream from its start.</summary>
    /// <exception cref="InvalidDataException">The only exception that what is in the stream can cause.</exception>
    public static ResNetWeights Read(Stream stream, string path, long maxBytes = MemoryAllowance.Default) =>
        Read(stream, path, maxBytes, ReadWeights);

    /// <summary>Reads no more than the model card; null where there is none.</summary>
    public static ModelCard? ReadCard(string path, long maxBytes) => Open(path, maxBytes, ReadCard, CancellationToken.None);

    private static T Open<T>(string path, long maxBytes, Reader<T> read, CancellationToken cancellation)
    {
        RegularFile.Check(path);
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, BufferSize);
        using var stream = new MeteredStream(file, long.MaxValue, tooLong: "", cancellation);
        return stream.CanSeek
            ? Read(stream, path, maxBytes, read)
            : throw new IOException($"'{path}' is no file on a disk, and weights are not read in one go; copy it to one.");
    }

    /// <summary>Reads an ONNX model that turns pixels into a network's input, and does nothing else.</summary>
    /// <returns>The preprocessing, and which channel of the images stands at each place of the input.</returns>
    public static (ImagePreprocessing Preprocessing, ImmutableArray<int> ChannelOrder) ReadPreprocessing(string path)
    {
        using var file = RegularFile.OpenRead(path);
        try
        {
            return OnnxWeights.ReadPreprocessing(file, new MemoryAllowance(file.Length, MemoryAllowance.Default));
        }
        catch (Exception exception) when (exception is InvalidDataException or EndOfStreamException or InvalidProtocolBufferException)
        {
            var found = exception is InvalidDataException ? exception.Message.TrimEnd('.') : "it is damaged or cut short";
            throw new InvalidDataException($"'{path}' is no ONNX model of preprocessing: {found}.", exception);
        }
    }

    private static T Read<T>(Stream stream, string path, long maxBytes, Reader<T> read)
    {
        var allowance = new MemoryAllowance(stream.Length, maxBytes);
        Span<byte> buffer = stackalloc byte[WeightsFormats.LookAt];
        var start = buffer[..stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false)];
        var format = WeightsFormats.Recognize(start, stream.Length);
        var description = WeightsFormats.Describe(format, start);
        if (format == WeightsFormat.Unknown)
        {
            throw new InvalidDataException(
                $"'{path}' is {description}, which holds no weights that can be read; supported are {WeightsFormats.Supported}.");
        }

        stream.Position = 0;
        try
        {
            return read(format, stream, allowance);
        }
        catch (Exception exception) when (exception is InvalidDataException or EndOfStreamException or InvalidProtocolBufferException)
        {
            var found = exception is InvalidDataException ? exception.Message.TrimEnd('.') : "it is damaged or cut short";
            throw new InvalidDataException(
                $"'{path}' looks like {description}, but {found}; supported are {WeightsFormats.Supported}.", exception);
        }
    }

    private static ResNetWeights ReadWeights(WeightsFormat format, Stream stream, MemoryAllowance allowance) => format switch
    {
        WeightsFormat.Safetensors => SafetensorsFile.Read(stream, allowance),
        WeightsFormat.TorchLegacy => TorchLegacyCheckpoint.Read(stream, allowance),
        WeightsFormat.Onnx => OnnxWeights.Read(stream, allowance),
        _ => ReadZip(stream, allowance),
    };

    private static ModelCard? ReadCard(WeightsFormat format, Stream stream, MemoryAllowance allowance)
    {
        if (format != WeightsFormat.Zip)
        {
            return format == WeightsFormat.Onnx ? OnnxCard.Read(stream, allowance) : null;
        }

        using var archive = BoundedArchive.Open(stream, allowance);
        return ModelZip.Holds(archive) ? ModelZip.ReadCard(archive, allowance) : null;
    }

    private static ResNetWeights ReadZip(Stream stream, MemoryAllowance allowance)
    {
        using var archive = BoundedArchive.Open(stream, allowance);
        if (TorchZipCheckpoint.FindPickle(archive) is { } pickle)
        {
            return TorchZipCheckpoint.Read(archive, pickle, allowance);
        }

        return ModelZip.Holds(archive)
            ? ModelZip.Read(archive, allowance)
            : throw new InvalidDataException(
                "it holds neither a PyTorch checkpoint (no entry data.pkl) nor an ML.NET model of this library (no entry OnnxModel)");
    }
}
