using Google.Protobuf;
using Microsoft.ML.ResNet.Onnx;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Tests.Scoring;

namespace Microsoft.ML.ResNet.Tests.Weights;

public sealed class OnnxWeightsTests
{
    private static readonly float[] Six = [1.5f, -2, 0.25f, 8, -0.125f, 96];
    private static byte[] SixBytes => [.. Six.SelectMany(BitConverter.GetBytes)];

    [Fact]
    public void AnExportGivesBackTheWeightsTheClassesAndThePreprocessing()
    {
        using var folder = new TemporaryFolder();
        var ml = new MLContext(seed: 1);
        var rows = Pictures.Load(ml, Pictures.Rows(perClass: 1, height: 8, width: 8, channels: 3));
        var data = ml.Transforms.Conversion.MapValueToKey("Label", nameof(PixelRow.Name)).Fit(rows).Transform(rows);
        using var classifier = TestClassifier.Create(ml, data, nameof(PixelRow.Bytes));
        classifier.ExportOnnx(folder["network.onnx"]);

        var weights = ResNetWeights.Load(folder["network.onnx"]);

        WeightsAssert.Same(classifier.Weights, weights.For(classifier.Plan));
        Assert.Equal(classifier.Weights.Tensors.Length, weights.Tensors.Length);
        Assert.Equal(Pictures.ClassNames, weights.ClassNames);
        WeightsAssert.Same(classifier.Preprocessing, weights.Preprocessing);
        Assert.Equal("tiny", weights.ArchitectureName);
    }

    [Fact]
    public void ValuesMayLieInFloatData()
    {
        var packed = Model(tensor => { Header(tensor); tensor.WriteField(4, ByteString.CopyFrom(SixBytes)); });
        var unpacked = Model(tensor =>
        {
            Header(tensor);
            foreach (var value in Six)
            {
                tensor.WriteTag(4, WireFormat.WireType.Fixed32);
                tensor.WriteFloat(value);
            }
        });

        Assert.Equal(Six, WeightsAssert.Read(packed)["w"].Values.ToArray());
        Assert.Equal(Six, WeightsAssert.Read(unpacked)["w"].Values.ToArray());
    }

    [Theory]
    [InlineData(11, sizeof(double))]
    [InlineData(10, sizeof(ushort))]
    [InlineData(16, sizeof(ushort))]
    public void EveryFloatBecomesFloat32(int type, int size)
    {
        var data = Six.SelectMany(value => type switch
        {
            11 => BitConverter.GetBytes((double)value),
            10 => BitConverter.GetBytes((Half)value),
            _ => BitConverter.GetBytes((ushort)(BitConverter.SingleToUInt32Bits(value) >> 16)),
        }).ToArray();
        Assert.Equal(6 * size, data.Length);

        var file = Model(tensor => { Header(tensor, type); tensor.WriteField(9, ByteString.CopyFrom(data)); });

        Assert.Equal(Six, WeightsAssert.Read(file)["w"].Values.ToArray());
    }

    [Fact]
    public void DataInAnotherFileIsRefused()
    {
        WeightsAssert.Says("'w' lies in another file", Model(tensor => { Header(tensor); tensor.WriteField(14, 1); }));
        WeightsAssert.Says("'w' lies in another file", Model(tensor => { Header(tensor); tensor.WriteField(13, "x"); }));
    }

    [Fact]
    public void AModelWithoutFloatsIsRefused() =>
        WeightsAssert.Says(
            "no tensor of weights", Model(tensor => { Header(tensor, type: 7); tensor.WriteField(9, ByteString.CopyFrom(new byte[48])); }));

    [Fact]
    public void TooFewValuesAreRefused() =>
        WeightsAssert.Says(
            "'w' is 6 float32 values, but has 23 bytes as raw_data",
            Model(tensor => { Header(tensor); tensor.WriteField(9, ByteString.CopyFrom(SixBytes[..23])); }));

    [Fact]
    public void FieldsOfOtherWireTypesAreSkipped()
    {
        var file = Model(tensor =>
        {
            Header(tensor);
            tensor.WriteField(2, "float");                    // element type, as a text
            tensor.WriteField(8, 5);                          // name, as a number
            tensor.WriteField(9, 5);                          // raw data, as a number
            tensor.WriteTag(1, WireFormat.WireType.Fixed64);  // a dimension
            tensor.WriteFixed64(1);
            tensor.WriteTag(99, WireFormat.WireType.StartGroup);
            tensor.WriteTag(99, WireFormat.WireType.EndGroup);
            tensor.WriteField(9, ByteString.CopyFrom(SixBytes));
        });

        Assert.Equal(Six, WeightsAssert.Read(file)["w"].Values.ToArray());
    }

    [Theory]
    [InlineData(1L << 62)]
    [InlineData(long.MinValue)]
    [InlineData(1L << 31)]
    public void HugeDimensionsAreRefused(long size) =>
        WeightsAssert.Says(
            "no size of a tensor",
            Model(tensor => { Header(tensor, dimensions: [size, size]); tensor.WriteField(9, ByteString.CopyFrom(SixBytes)); }));

    [Fact]
    public void LengthsBeyondTheEndAreRefused()
    {
        // raw_data of 2³¹ − 1 bytes; a packed list of as many; and a graph of as many.
        WeightsAssert.Refused(Model(
            tensor => { Header(tensor); tensor.WriteTag(9, WireFormat.WireType.LengthDelimited); tensor.WriteLength(int.MaxValue); }));
        WeightsAssert.Refused(Model(
            tensor => { Header(tensor); tensor.WriteTag(4, WireFormat.WireType.LengthDelimited); tensor.WriteLength(int.MaxValue); }));
        WeightsAssert.Refused([8, 8, 7 << 3 | 2, 0xff, 0xff, 0xff, 0xff, 7]);
        WeightsAssert.Refused([8, 8, 7 << 3 | 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]);
    }

    [Fact]
    public void PartsThatReachBeyondWhatTheyAreInAreRefused()
    {
        var tensor = Message(tensor => { Header(tensor); tensor.WriteField(9, ByteString.CopyFrom(SixBytes)); });
        byte[] graph = [5 << 3 | 2, (byte)(tensor.Length - 10), .. tensor];
        byte[] Model(int graphLength) => [8, 8, 7 << 3 | 2, (byte)graphLength, .. graph];

        // The values reach beyond the tensor, then also beyond the graph, to the end of the file.
        WeightsAssert.Says("reaches beyond its end", Model(graph.Length));
        WeightsAssert.Says("reaches beyond its end", Model(graph.Length - 10));
    }

    [Fact]
    public void DeepGroupsAreRefused() => WeightsAssert.Refused([8, 8, .. Enumerable.Repeat((byte)(15 << 3 | 3), 1_000_000)]);

    [Fact]
    public void ManySmallMessagesAreBounded()
    {
        static byte[] Many(params ReadOnlySpan<byte> field)
        {
            var bytes = new List<byte>();
            for (var i = 0; i < 100_000; i++)
            {
                bytes.AddRange(field);
            }

            return [.. bytes];
        }

        var initializers = Many(5 << 3 | 2, 0);
        WeightsAssert.Says(
            "more than 65,536 initializers",
            Message(model => { model.WriteField(1, 8); model.WriteField(7, ByteString.CopyFrom(initializers)); }));
        WeightsAssert.Says("more than 65,536 initializers", [8, 8, .. Many(14 << 3 | 2, 0)]);
        WeightsAssert.Says("no tensor of weights", [8, 8, .. Many(99 << 3 & 0x7f | 0x80, 6, 0)]); // unknown fields
        WeightsAssert.Says("more than 64 dimensions", Model(tensor => { for (var i = 0; i < 100_000; i++) { tensor.WriteField(1, 1); } }));
    }

    [Fact]
    public void TheSameNameTwiceIsRefused() => WeightsAssert.Says("two tensors named 'w'", Model(
        tensor => { Header(tensor); tensor.WriteField(9, ByteString.CopyFrom(SixBytes)); },
        tensor => { Header(tensor); tensor.WriteField(9, ByteString.CopyFrom(SixBytes)); }));

    private static void Header(CodedOutputStream tensor, int type = 1, params ReadOnlySpan<long> dimensions)
    {
        foreach (var dimension in dimensions.IsEmpty ? [2L, 3L] : dimensions)
        {
            tensor.WriteField(1, dimension);
        }

        tensor.WriteField(2, type);
        tensor.WriteField(8, "w");
    }

    // ModelProto { ir_version: 8, graph: { initializer: … } }
    private static byte[] Model(params ReadOnlySpan<Action<CodedOutputStream>> tensors)
    {
        var initializers = new List<byte[]>();
        foreach (var tensor in tensors)
        {
            initializers.Add(Message(tensor));
        }

        return Message(model =>
        {
            model.WriteField(1, 8);
            model.WriteField(7, ByteString.CopyFrom(
                Message(graph => initializers.ForEach(initializer => graph.WriteField(5, ByteString.CopyFrom(initializer))))));
        });
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
