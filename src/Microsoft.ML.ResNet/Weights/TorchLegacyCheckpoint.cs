using System.Buffers.Binary;
using Microsoft.ML.ResNet.Files;
using static Microsoft.ML.ResNet.Files.ErrorText;

namespace Microsoft.ML.ResNet.Weights;

/// <summary>
/// A checkpoint of PyTorch before 1.6: five pickles (a magic number, the protocol, the machine, the object, the keys of its storages), then
/// for each key the number of values and the values, little-endian. torch/serialization.py: _legacy_save and _legacy_load.
/// </summary>
internal static class TorchLegacyCheckpoint
{
    private const long Protocol = 1001;

    public static ResNetWeights Read(Stream stream, MemoryAllowance allowance)
    {
        var pickles = new PickleReader(stream);
        pickles.Read(); // the magic number, which was recognized
        if (pickles.Read() is not Protocol)
        {
            throw new InvalidDataException($"its protocol is not {Protocol}");
        }

        pickles.Read(); // the sizes of C's types where it was written
        var root = pickles.Read();
        var keys = pickles.Read() as PickleList ?? throw new InvalidDataException("its storages have no keys");
        var offsets = FindStorages(stream, keys, pickles.Storages);
        return TorchTensors.Read(root, allowance, storage =>
        {
            var offset = offsets.TryGetValue(storage.Key, out var found)
                ? found
                : throw new InvalidDataException($"it lacks the storage {Quote(storage.Key)}");
            allowance.Take((long)storage.Bytes);
            var bytes = new byte[(int)storage.Bytes];
            stream.Position = offset;
            stream.ReadExactly(bytes);
            return bytes;
        });
    }

    // Steps over the storages, so that only those which are needed are read.
    private static Dictionary<string, long> FindStorages(
        Stream stream, PickleList keys, IReadOnlyDictionary<string, StorageReference> storages)
    {
        var offsets = new Dictionary<string, long>();
        Span<byte> prefix = stackalloc byte[sizeof(long)];
        foreach (var item in keys.Items)
        {
            if (item is not string key || !storages.TryGetValue(key, out var storage))
            {
                throw new InvalidDataException("it holds a storage that its pickle does not name");
            }

            stream.ReadExactly(prefix);
            var (count, left) = (BinaryPrimitives.ReadInt64LittleEndian(prefix), stream.Length - stream.Position);
            if (count != storage.Count || storage.Bytes > Math.Min(left, Array.MaxLength))
            {
                throw new InvalidDataException(
                    $"storage {Quote(key)} claims {storage.Count:n0} {storage.ElementType} values in its pickle "
                    + $"and {count:n0} where it lies, before {left:n0} bytes");
            }

            if (!offsets.TryAdd(key, stream.Position))
            {
                throw new InvalidDataException($"it holds storage {Quote(key)} twice");
            }

            stream.Position += (long)storage.Bytes;
        }

        return offsets;
    }
}
