using Microsoft.ML.ResNet.Files;
using static Microsoft.ML.ResNet.Files.ErrorText;

namespace Microsoft.ML.ResNet.Weights;

/// <summary>
/// A checkpoint of PyTorch 1.6 or later: a zip file with a pickle, NAME/data.pkl, and a file for each storage, NAME/data/KEY.
/// torch/serialization.py: _save and _load.
/// </summary>
internal static class TorchZipCheckpoint
{
    private const string Pickle = "data.pkl";

    /// <summary>Finds the name of the pickle; null if there is none.</summary>
    public static string? FindPickle(BoundedArchive archive) =>
        archive.Names.FirstOrDefault(name => name == Pickle || name.EndsWith("/" + Pickle, StringComparison.Ordinal));

    public static ResNetWeights Read(BoundedArchive archive, string pickle, MemoryAllowance allowance)
    {
        var folder = pickle[..^Pickle.Length];
        using var stream = new MemoryStream(archive.Read(pickle, PickleInput.MaxBytes), writable: false);
        var root = new PickleReader(stream).Read();
        var isBigEndian = IsBigEndian(archive, folder + "byteorder");
        return TorchTensors.Read(root, allowance, storage =>
        {
            var bytes = archive.Read($"{folder}data/{storage.Key}", Array.MaxLength);
            if (bytes.Length < storage.Bytes)
            {
                throw new InvalidDataException(
                    $"storage {Quote(storage.Key)} is {storage.Count:n0} {storage.ElementType} values, but has {bytes.Length:n0} bytes");
            }

            if (isBigEndian)
            {
                Reverse(bytes, storage.ElementType.Size);
            }

            return bytes;
        });
    }

    // Absent before PyTorch 2.0.
    private static bool IsBigEndian(BoundedArchive archive, string name) =>
        archive.Contains(name) && archive.Read(name, maxLength: 16).AsSpan() switch
        {
            var order when order.SequenceEqual("little"u8) => false,
            var order when order.SequenceEqual("big"u8) => true,
            _ => throw new InvalidDataException("its byte order is neither little nor big"),
        };

    private static void Reverse(Span<byte> bytes, int size)
    {
        for (; bytes.Length >= size; bytes = bytes[size..])
        {
            bytes[..size].Reverse();
        }
    }
}
