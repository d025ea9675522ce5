using System.Buffers.Binary;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;

namespace Microsoft.ML.ResNet.Tests.Weights;

/// <summary>Writes checkpoints as torch.save does.</summary>
internal sealed class TorchFile
{
    private readonly Dictionary<string, byte[]> _storages = [];

    /// <summary>The opcodes between PROTO and STOP.</summary>
    public Pickle Object { get; } = new();

    public string ByteOrder { get; init; } = "little";

    /// <summary>A checkpoint of plain tensors.</summary>
    public static TorchFile Of(ResNetWeights weights, string? wrapper = null) =>
        Of(weights.Tensors.Select(tensor => (tensor.Name, tensor)), wrapper);

    public static TorchFile Of(IEnumerable<(string Name, WeightTensor Tensor)> tensors, string? wrapper = null)
    {
        var file = new TorchFile();
        if (wrapper is not null)
        {
            file.Object.Raw("}(")
                .Text("epoch").Int(90).Text("optimizer").Raw("}").Text("best_acc1").Raw("G").Raw(new byte[8]).Text(wrapper);
        }

        file.Object.Global("collections", "OrderedDict").Raw(")R(");
        foreach (var (name, tensor) in tensors)
        {
            file.Object.Text(name);
            file.AddTensor(tensor);
        }

        // As a module's state_dict() ends: BUILD with the attribute _metadata.
        file.Object.Raw("u}").Text("_metadata").Raw("}sb");
        file.Object.Raw(wrapper is null ? "" : "u");
        return file;
    }

    public TorchFile AddTensor(WeightTensor tensor)
    {
        var shape = tensor.Shape.Select(size => (long)size).ToArray();
        var key = AddStorage(MemoryMarshal.AsBytes(tensor.Values.Span).ToArray());
        Object.Tensor("FloatStorage", key, tensor.Values.Length, 0, shape, Strides(shape));
        return this;
    }

    public string AddStorage(byte[] bytes)
    {
        var key = $"{_storages.Count}";
        _storages.Add(key, bytes);
        return key;
    }

    public static long[] Strides(long[] shape)
    {
        var strides = new long[shape.Length];
        var step = 1L;
        for (var i = shape.Length - 1; i >= 0; i--)
        {
            strides[i] = step;
            step *= shape[i];
        }

        return strides;
    }

    public byte[] ToZip(CompressionLevel compression = CompressionLevel.NoCompression)
    {
        using var bytes = new MemoryStream();
        using (var zip = new ZipArchive(bytes, ZipArchiveMode.Create))
        {
            Add("archive/data.pkl", Pickled());
            Add("archive/byteorder", Encoding.ASCII.GetBytes(ByteOrder));
            foreach (var (key, storage) in _storages)
            {
                Add($"archive/data/{key}", storage);
            }

            Add("archive/version", "3\n"u8.ToArray());

            void Add(string name, byte[] content)
            {
                using var entry = zip.CreateEntry(name, compression).Open();
                entry.Write(content);
            }
        }

        return bytes.ToArray();
    }

    public byte[] ToLegacy(int elementSize = sizeof(float), long? claimedCount = null)
    {
        using var bytes = new MemoryStream();
        bytes.Write([0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, (byte)'.']);
        bytes.Write(new Pickle().Proto().Int(1001).Stop());
        bytes.Write(new Pickle().Proto().Raw("}").Text("little_endian").Raw(0x88).Raw("s").Stop());
        bytes.Write(Pickled());
        var keys = new Pickle().Proto().Raw("](");
        foreach (var key in _storages.Keys)
        {
            keys.Text(key);
        }

        bytes.Write(keys.Raw("e").Stop());
        Span<byte> count = stackalloc byte[sizeof(long)];
        foreach (var storage in _storages.Values)
        {
            BinaryPrimitives.WriteInt64LittleEndian(count, claimedCount ?? storage.Length / elementSize);
            bytes.Write(count);
            bytes.Write(storage);
        }

        return bytes.ToArray();
    }

    private byte[] Pickled() => new Pickle().Proto().Raw(Object.ToArray()).Stop();
}
