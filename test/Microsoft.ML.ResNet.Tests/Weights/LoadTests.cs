using System.IO.Compression;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Tests.Weights;

/// <summary>What checkpoints look like that load.</summary>
public sealed class LoadTests
{
    private static readonly float[] Six = [1.5f, -2, 0.25f, 8, -0.125f, 96];

    [Fact]
    public void AFileIsRecognizedByItsContent()
    {
        using var folder = new TemporaryFolder();
        var weights = WeightsAssert.Small();
        File.WriteAllBytes(folder["weights.onnx"], TorchFile.Of(weights).ToZip());
        File.WriteAllBytes(folder["weights.zip"], TorchFile.Of(weights).ToLegacy());

        WeightsAssert.Same(weights, ResNetWeights.Load(folder["weights.onnx"]));
        WeightsAssert.Same(weights, ResNetWeights.Load(folder["weights.zip"]));
    }

    [Fact]
    public void AMissingFileIsMissing() => Assert.Throws<FileNotFoundException>(() => ResNetWeights.Load("no-such-file.pth"));

    [Fact]
    public void AZipCheckpointMayBeDeflated()
    {
        var weights = WeightsAssert.Small();

        WeightsAssert.Same(weights, WeightsAssert.Read(TorchFile.Of(weights).ToZip(CompressionLevel.Optimal)));
    }

    [Theory]
    [InlineData("state_dict")]
    [InlineData("model_state_dict")]
    [InlineData("model_state")]
    [InlineData("model")]
    [InlineData("net")]
    public void ADictionaryMayBeWrapped(string key)
    {
        var weights = WeightsAssert.Small();

        WeightsAssert.Same(weights, WeightsAssert.Read(TorchFile.Of(weights, wrapper: key).ToZip()));
    }

    [Fact]
    public void NamesBecomeTorchvisions()
    {
        var tensor = new WeightTensor("any", [1], new float[1]);
        string[] names =
        [
            "module.conv1.weight", "_orig_mod.module.bn1.weight",
            "layer2.0.shortcut.0.weight", "module.layer2.0.shortcut.1.running_mean", "linear.weight",
            "module.linear.bias", "layer1.0.linear.weight", "layer1.0.bn1.num_batches_tracked",
        ];

        var weights = WeightsAssert.Read(TorchFile.Of(names.Select(name => (name, tensor))).ToZip());

        Assert.Equal(
            [
                "conv1.weight", "bn1.weight", "layer2.0.downsample.0.weight", "layer2.0.downsample.1.running_mean", "fc.weight", "fc.bias",
                "layer1.0.linear.weight",
            ],
            weights.Tensors.Select(each => each.Name));
    }

    [Theory]
    [InlineData("FloatStorage", sizeof(float))]
    [InlineData("DoubleStorage", sizeof(double))]
    [InlineData("HalfStorage", sizeof(ushort))]
    [InlineData("BFloat16Storage", sizeof(ushort))]
    public void EveryFloatBecomesFloat32(string storageType, int size)
    {
        // Six is exact in each of them.
        TorchFile Make(string order) => WithTensor(
            new TorchFile { ByteOrder = order }, storageType, Encode(storageType, Six, bigEndian: order == "big"), size, [2, 3], [3, 1]);

        Assert.Equal(Six, WeightsAssert.Read(Make("little").ToZip())["w"].Values.ToArray());
        Assert.Equal(Six, WeightsAssert.Read(Make("little").ToLegacy(size))["w"].Values.ToArray());
        Assert.Equal(Six, WeightsAssert.Read(Make("big").ToZip())["w"].Values.ToArray());
    }

    [Theory]
    [InlineData("F32", "FloatStorage")]
    [InlineData("F64", "DoubleStorage")]
    [InlineData("F16", "HalfStorage")]
    [InlineData("BF16", "BFloat16Storage")]
    public void EveryFloatOfSafetensorsBecomesFloat32(string type, string storageType)
    {
        var data = Encode(storageType, Six);
        var file = SafetensorsText.File($$$"""{"w":{"dtype":"{{{type}}}","shape":[2,3],"data_offsets":[0,{{{data.Length}}}]}}""", data);

        Assert.Equal(Six, WeightsAssert.Read(file)["w"].Values.ToArray());
    }

    [Fact]
    public void StridesAreFollowed()
    {
        // [[1.5, -2, 0.25], [8, -0.125, 96]] transposed; then its second column, which starts at 1 and steps by 3.
        Assert.Equal(
            [1.5f, 8, -2, -0.125f, 0.25f, 96],
            WeightsAssert.Read(
                WithTensor(new TorchFile(), "FloatStorage", Encode("FloatStorage", Six), 4, [3, 2], [1, 3]).ToZip())["w"].Values.ToArray());
        Assert.Equal(
            [-2, -0.125f],
            WeightsAssert.Read(
                WithTensor(new TorchFile(), "FloatStorage", Encode("FloatStorage", Six), 4, [2], [3], offset: 1).ToZip())["w"]
                .Values.ToArray());
    }

    [Fact]
    public void ChannelsLastTensorsAreReordered()
    {
        const int outputs = 2, inputs = 3, height = 2, width = 2;
        var values = Enumerable.Range(0, outputs * inputs * height * width).Select(i => (float)i).ToArray();
        long[] strides = [inputs * height * width, 1, inputs * width, inputs];

        var read = WeightsAssert.Read(WithTensor(new TorchFile(), "FloatStorage", Encode("FloatStorage", values), 4,
            [outputs, inputs, height, width], strides).ToLegacy())["w"];

        var expected =
            from o in Enumerable.Range(0, outputs)
            from i in Enumerable.Range(0, inputs)
            from y in Enumerable.Range(0, height)
            from x in Enumerable.Range(0, width)
            select values[((o * height + y) * width + x) * inputs + i];
        Assert.Equal(expected, read.Values.ToArray());
    }

    [Fact]
    public void TensorsMayShareAStorage()
    {
        var file = new TorchFile();
        var key = file.AddStorage(Encode("FloatStorage", Six));
        file.Object.Raw("}(").Text("a").Tensor("FloatStorage", key, 6, 0, [2], [1])
            .Text("b").Tensor("FloatStorage", key, 6, 2, [4], [1]).Text("c").Tensor("FloatStorage", key, 6, 0, [6], [1]).Raw("u");

        var weights = WeightsAssert.Read(file.ToZip());

        Assert.Equal(Six[..2], weights["a"].Values.ToArray());
        Assert.Equal(Six[2..], weights["b"].Values.ToArray());
        Assert.Equal(Six, weights["c"].Values.ToArray());
    }

    [Fact]
    public void ScalarsAndEmptyTensorsAreTensors()
    {
        var file = new TorchFile();
        var key = file.AddStorage(Encode("FloatStorage", Six));
        file.Object.Raw("}(").Text("scalar")
            .Tensor("FloatStorage", key, 6, 3, [], []).Text("empty").Tensor("FloatStorage", key, 6, 0, [0, 5], [5, 1]).Raw("u");

        var weights = WeightsAssert.Read(file.ToZip());

        Assert.Equal([8f], weights["scalar"].Values.ToArray());
        Assert.Equal([0, 5], weights["empty"].Shape.AsEnumerable());
    }

    [Fact]
    public void ParametersOfAllTimesAreTensors()
    {
        var file = new TorchFile();
        var key = file.AddStorage(Encode("FloatStorage", Six));
        Pickle Tensor() => new Pickle().Tensor("FloatStorage", key, 6, 0, [6], [1]);
        file.Object.Raw("}(")
            .Text("new").Global("torch._utils", "_rebuild_parameter")
            .Raw("(").Raw(Tensor().ToArray()).Raw(0x88).Global("collections", "OrderedDict").Raw(")Rt").Raw("R")
            .Text("old").Global("torch.nn.parameter", "Parameter")
            .Raw(Tensor().ToArray()).Raw(0x85).Raw(0x81).Raw("(").Raw(0x88).Raw(0x89).Raw("}tb") // NEWOBJ, BUILD
            .Text("untyped").Global("torch._utils", "_rebuild_tensor_v3")
            .Raw("(").Storage("UntypedStorage", file.AddStorage(Encode("FloatStorage", Six)), 24).Int(0).Tuple(6).Tuple(1).Raw(0x89)
            .Global("collections", "OrderedDict").Raw(")R").Global("torch", "float32").Raw("t").Raw("R").Raw("u");

        var weights = WeightsAssert.Read(file.ToZip());

        Assert.All(weights.Tensors, tensor => Assert.Equal(Six, tensor.Values.ToArray()));
        Assert.Equal(3, weights.Tensors.Length);
    }

    [Fact]
    public void AnOrderedDictOfPython2IsADictionary()
    {
        var file = new TorchFile();
        var key = file.AddStorage(Encode("FloatStorage", Six));
        // OrderedDict([["w", tensor]]), with a byte string as the name.
        file.Object.Global("collections", "OrderedDict").Raw("(](](U\x01w").Tensor("FloatStorage", key, 6, 0, [6], [1]).Raw("eet").Raw("R");

        Assert.Equal(Six, WeightsAssert.Read(file.ToLegacy())["w"].Values.ToArray());
    }

    [Fact]
    public void PicklesOfProtocol4AreRead()
    {
        var file = new TorchFile();
        var key = file.AddStorage(Encode("FloatStorage", Six));
        var tensor = new Pickle().Raw(0x8c, 12)
            .Raw("torch._utils").Raw(0x94).Raw(0x8c, 18).Raw("_rebuild_tensor_v2").Raw(0x94).Raw(0x93).Raw(0x94).Raw("(")
            .Storage("FloatStorage", key, 6).Raw("K\x00").Raw("K\x06").Raw(0x85).Raw("K\x01").Raw(0x85).Raw(0x89)
            .Raw("}t").Raw(0x94).Raw("R");
        file.Object.Raw(0x95).Raw(new byte[8]).Raw("}").Raw(0x94).Raw(0x8c, 1).Raw("w").Raw(0x94).Raw(tensor.ToArray()).Raw("s");

        Assert.Equal(Six, WeightsAssert.Read(file.ToZip())["w"].Values.ToArray());
    }

    [Fact]
    public void IntegersAreRefusedUnlessTheyCountBatches()
    {
        var counter = WithTensor(new TorchFile(), "LongStorage", new byte[8], 8, [], [], name: "bn1.num_batches_tracked");
        var integers = WithTensor(new TorchFile(), "LongStorage", new byte[8], 8, [1], [1], name: "queue");

        WeightsAssert.Says("no tensor of weights", counter.ToZip());
        WeightsAssert.Says("tensor 'queue' holds int64 values", integers.ToZip());
    }

    private static TorchFile WithTensor(TorchFile file, string storageType, byte[] storage, int elementSize, long[] shape, long[] strides,
        long offset = 0, string name = "w")
    {
        var key = file.AddStorage(storage);
        file.Object.Raw("}").Text(name).Tensor(storageType, key, storage.Length / elementSize, offset, shape, strides).Raw("s");
        return file;
    }

    private static byte[] Encode(string storageType, float[] values, bool bigEndian = false)
    {
        var bytes = values.Select(value => storageType switch
        {
            "DoubleStorage" => BitConverter.GetBytes((double)value),
            "HalfStorage" => BitConverter.GetBytes((Half)value),
            "BFloat16Storage" => BitConverter.GetBytes((ushort)(BitConverter.SingleToUInt32Bits(value) >> 16)),
            _ => BitConverter.GetBytes(value),
        });
        return [.. bytes.SelectMany(value => bigEndian ? value.Reverse() : value)];
    }
}
