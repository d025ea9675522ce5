using System.IO.Compression;
using Google.Protobuf;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Weights;

namespace Microsoft.ML.ResNet.Tests.Weights;

/// <summary>What reading a file may cost, and what may be a file.</summary>
public sealed class LoadLimitsTests
{
    private const int Values = 2_000_000;
    private const long Bytes = sizeof(float) * Values;
    private const long Slack = 4_000_000; // for buffers that do not grow with the tensors

    private static readonly Dictionary<string, Lazy<byte[]>> Files = new()
    {
        ["safetensors"] = new(() => Saved(Large())),
        ["zip"] = new(() => TorchFile.Of(Large()).ToZip()),
        ["deflated zip"] = new(() => TorchFile.Of(Large()).ToZip(CompressionLevel.Fastest)),
        ["legacy"] = new(() => TorchFile.Of(Large()).ToLegacy()),
        ["onnx"] = new(() => Onnx(tensor =>
        {
            tensor.WriteTag(9, WireFormat.WireType.LengthDelimited);
            tensor.WriteBytes(ByteString.CopyFrom(new byte[Bytes]));
        })),
        ["onnx of floats"] = new(() => Onnx(tensor =>
        {
            for (var i = 0; i < Values; i++)
            {
                tensor.WriteTag(4, WireFormat.WireType.Fixed32);
                tensor.WriteFloat(0);
            }
        })),
    };

    public static TheoryData<string> Formats => [.. Files.Keys];

    [Theory]
    [MemberData(nameof(Formats))]
    public void NoMoreMemoryIsTakenThanIsAllowed(string format)
    {
        var file = Files[format].Value;
        Assert.Equal(Values, Read(file, maxBytes: 6 * Bytes).Tensors.Single().Values.Length);

        foreach (var maxBytes in new[] { Bytes - 1, Bytes / 4, 1 })
        {
            var allocated = GC.GetAllocatedBytesForCurrentThread();
            var exception = Assert.Throws<InvalidDataException>(() => Read(file, maxBytes));
            Assert.Contains($"more than the {maxBytes:n0} bytes of memory that are allowed (maxBytes)", exception.Message);
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - allocated, 0, maxBytes + Slack);
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void ReadingCanBeStopped(string format)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["w"], Files[format].Value);

        var stopped = new CancellationToken(canceled: true);
        Assert.Throws<OperationCanceledException>(() => ResNetWeights.Load(folder["w"], cancellationToken: stopped));
    }

    [Fact]
    public void TheLimitIsOfTheDoor()
    {
        using var folder = new TemporaryFolder();
        WeightsAssert.Small().Save(folder["w"]);

        Assert.Throws<InvalidDataException>(() => ResNetWeights.Load(folder["w"], maxBytes: 1000));
        Assert.Throws<ArgumentOutOfRangeException>(() => ResNetWeights.Load(folder["w"], maxBytes: 0));
    }

    [SkippableFact]
    public void PipesAndDevicesAreNotOpened()
    {
        using var folder = new TemporaryFolder();
        var pipe = Fifo.Make(folder["pipe"]);
        File.CreateSymbolicLink(folder["zeros"], "/dev/zero");

        foreach (var path in new[] { pipe, folder["zeros"] })
        {
            Assert.Contains("a pipe or a device", Assert.Throws<IOException>(() => ResNetWeights.Load(path)).Message);
            Assert.Contains("a pipe or a device", Assert.Throws<IOException>(() => TrainingHistory.LoadJson(path)).Message);
        }
    }

    [Fact]
    public void AnEmptyFileIsNoPipe()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["empty"], []);

        Assert.Contains("is an empty file", Assert.Throws<InvalidDataException>(() => ResNetWeights.Load(folder["empty"])).Message);
    }

    [Theory]
    [InlineData(2147483647, 2147483647, 2147483647, 0, 1, "up to 2,048 pixels a side")]
    [InlineData(3, 4000, 4000, 0, 1, "up to 2,048 pixels a side")]
    [InlineData(3, 1, 2147483647, 0, 1, "up to 2,048 pixels a side")]
    [InlineData(2147483647, 1, 1, 0, 1, "12,582,912 values")]
    [InlineData(4, 2048, 2048, 0, 1, "12,582,912 values")]
    [InlineData(3, 0, 32, 0, 1, "have no pixels")]
    [InlineData(3, 32, 32, 2147483647, 1, "more than 8,192 pixels a side")]
    [InlineData(3, 32, 32, 4096, 1, "more than 8,192 pixels a side")]
    [InlineData(3, 32, 32, 0, 2147483647, "more than 8,192 pixels a side")]
    [InlineData(3, 32, 32, 2147483647, 2147483647, "more than 8,192 pixels a side")]
    [InlineData(3, 32, 32, -1, 1, "a crop border of 0 or more")]
    [InlineData(3, 32, 32, 0, -2147483648, "a supersampling of at least 1")]
    [InlineData(3, 32, 32, -2147483648, -2147483648, "more than 8,192 pixels a side")]
    public void ImagesThatNoMemoryHoldsAreRefused(int channels, int height, int width, int border, int supersampling, string message) =>
        WeightsAssert.Says(message, Described(
            $$"""{"channels":{{channels}},"height":{{height}},"width":{{width}}}""", "[0,0,0]", "[1,1,1]", border, supersampling));

    [Theory]
    [InlineData("[0,3e38,0]", "[1,1,1]", "means are finite numbers up to 1e+09")]
    [InlineData("[0,-3e38,0]", "[1,1,1]", "means are finite numbers")]
    [InlineData("[0,1e39,0]", "[1,1,1]", "metadata 'preprocessing' cannot be understood")]
    [InlineData("[0,0,0]", "[1,1e-30,1]", "from 1e-06 to 1e+09")]
    [InlineData("[0,0,0]", "[1,3e38,1]", "from 1e-06 to 1e+09")]
    [InlineData("[0,0,0]", "[1,0,1]", "greater than zero")]
    [InlineData("[0,0,0]", "[1,-1,1]", "greater than zero")]
    public void PixelsThatNoFloatHoldsAreRefused(string mean, string deviation, string message) =>
        WeightsAssert.Says(message, Described("""{"channels":3,"height":32,"width":32}""", mean, deviation));

    [Fact]
    public void TheBoundsThemselvesAreRead()
    {
        var file = Described("""{"channels":3,"height":2048,"width":2048}""", "[1e9,-1e9,0]", "[1e-6,1e9,1]", supersampling: 4);
        var preprocessing = WeightsAssert.Read(file).Preprocessing!;

        Assert.Equal(new ImageShape(3, 2048, 2048), preprocessing.Input);
        Assert.Equal((8192, 8192), preprocessing.ResizeTo);
    }

    private static ResNetWeights Read(byte[] file, long maxBytes) =>
        WeightsFile.Read(new MemoryStream(file, writable: false), "file", maxBytes);

    // Values that deflate leaves larger than a sixteenth.
    private static ResNetWeights Large() =>
        new([new WeightTensor("w", [Values], Enumerable.Range(0, Values).Select(i => (float)(i * 2654435761 % 1000)).ToArray())]);

    private static byte[] Saved(ResNetWeights weights)
    {
        using var folder = new TemporaryFolder();
        weights.Save(folder["w"]);
        return File.ReadAllBytes(folder["w"]);
    }

    private static byte[] Described(string input, string mean, string deviation, int border = 0, int supersampling = 1)
    {
        var preprocessing = ($$"""
            {"input":{{input}},"mean":{{mean}},"standard_deviation":{{deviation}},
            """ + $$"""
            "crop_border":{{border}},"supersampling":{{supersampling}}}
            """).Replace("\"", "\\\"");
        var header = $$$"""
            {"__metadata__":{"preprocessing":"{{{preprocessing}}}"},"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}
            """;
        return SafetensorsText.File(header, dataLength: 8);
    }

    // ModelProto { ir_version: 8, graph: { initializer: { dims, data_type: float, name, … } } }
    private static byte[] Onnx(Action<CodedOutputStream> writeValues) => Message(model =>
    {
        model.WriteTag(1, WireFormat.WireType.Varint);
        model.WriteInt64(8);
        Part(model, 7, graph => Part(graph, 5, tensor =>
        {
            tensor.WriteTag(1, WireFormat.WireType.Varint);
            tensor.WriteInt64(Values);
            tensor.WriteTag(2, WireFormat.WireType.Varint);
            tensor.WriteInt64(1);
            tensor.WriteTag(8, WireFormat.WireType.LengthDelimited);
            tensor.WriteString("w");
            writeValues(tensor);
        }));
    });

    private static void Part(CodedOutputStream output, int field, Action<CodedOutputStream> write)
    {
        output.WriteTag(field, WireFormat.WireType.LengthDelimited);
        output.WriteBytes(ByteString.CopyFrom(Message(write)));
    }

    private static byte[] Message(Action<CodedOutputStream> write)
    {
        using var bytes = new MemoryStream();
        using var output = new CodedOutputStream(bytes);
        write(output);
        output.Flush();
        return bytes.ToArray();
    }
}
