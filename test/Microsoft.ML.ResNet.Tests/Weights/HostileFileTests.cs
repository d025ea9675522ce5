using System.IO.Compression;
using System.Text;

namespace Microsoft.ML.ResNet.Tests.Weights;

/// <summary>Files made to crash, hang or exhaust a reader: each is refused in a sentence, within a second and 100 MB.</summary>
public sealed class HostileFileTests
{
    private const long Huge = 1L << 62;

    [Fact]
    public void AnythingElseIsRefusedByWhatItIs()
    {
        WeightsAssert.Says("is an empty file", []);
        WeightsAssert.Says("a text that starts with '<!DOCTYPE html><'", [.. "<!DOCTYPE html><html>"u8]);
        WeightsAssert.Says("a text that starts with 'version https://'", [.. "version https://git-lfs.github.com/spec/v1"u8]);
        WeightsAssert.Says("starts with the bytes 894844460d0a1a0a", [0x89, .. "HDF\r\n"u8, 0x1a, (byte)'\n']);
        WeightsAssert.Says("starts with the bytes 80025d71", [0x80, 2, .. "]q"u8]);
        WeightsAssert.Says("neither a PyTorch checkpoint", Zip(("readme.txt", [1, 2, 3])));
    }

    [Theory]
    [InlineData("os", "system")]
    [InlineData("posix", "system")]
    [InlineData("builtins", "eval")]
    [InlineData("subprocess", "Popen")]
    [InlineData("torch.storage", "_load_from_bytes")]
    [InlineData("torchvision.models.resnet", "ResNet")]
    public void APickleThatCallsAnythingElseIsRefusedByName(string module, string name)
    {
        var call = new Pickle().Global(module, name).Raw("(").Text("touch /tmp/resnet-was-here").Raw("tR").ToArray();
        var stacked = new Pickle().Text(module).Text(name).Raw(0x93).Raw("(").Text("touch /tmp/resnet-was-here").Raw("tR").ToArray();
        var unused = new Pickle().Global(module, name).Raw("0}").ToArray();

        foreach (var pickle in new[] { call, stacked, unused })
        {
            WeightsAssert.Says($"asks for '{module}.{name}'", Torch(pickle).ToZip());
            WeightsAssert.Says($"asks for '{module}.{name}'", Torch(pickle).ToLegacy());
        }

        Assert.False(File.Exists("/tmp/resnet-was-here"));
    }

    [Theory]
    [InlineData("i__builtin__\neval\n")]        // INST
    [InlineData("(o")]                          // OBJ
    [InlineData("Pstorage\n")]                  // PERSID
    [InlineData("\x82\x01")]                    // EXT1
    [InlineData("}}}\x92")]                     // NEWOBJ_EX
    [InlineData("B\xff\xff\xff\x7f")]           // BINBYTES of 2 GB
    [InlineData("\x96\xff\xff\xff\xff\xff\xff\xff\x7f")] // BYTEARRAY8
    public void OtherOpcodesAreRefused(string opcodes) =>
        WeightsAssert.Says("uses the opcode 0x", Torch(new Pickle().Raw(opcodes).ToArray()).ToZip());

    [Theory]
    [InlineData("X\xff\xff\xff\xff", "claims a text of 4,294,967,295 bytes")]
    [InlineData("T\xff\xff\xff\x7f", "claims a text of 2,147,483,647 bytes")]
    [InlineData("\x8a\xff", "a number of 255 bytes")]
    [InlineData("0", "takes more from the stack")]
    [InlineData("(0", "takes more from the stack")]
    [InlineData("N(Nt\x87", "takes more from the stack")]
    [InlineData("t", "takes more from the stack")]
    [InlineData("hA", "never memorized")]
    [InlineData("}(Nu", "without a value")]
    [InlineData("NNa", "appends to None")]
    [InlineData("]NNs", "sets items of a list")]
    [InlineData("NNb", "sets the state of None")]
    [InlineData("NQ", "something else than a storage")]
    [InlineData("N)R", "calls None")]
    [InlineData("ccollections\nOrderedDict\nNR", "without a tuple")]
    [InlineData("ccollections\nOrderedDict\nN\x85R", "other arguments")]
    [InlineData("N", "holds None, not a dictionary")]
    [InlineData("]", "holds a list, not a dictionary")]
    [InlineData("}", "(empty) holds no tensors")]
    public void OpcodesOutOfPlaceAreRefused(string opcodes, string message)
    {
        WeightsAssert.Says(message, Torch(new Pickle().Raw(opcodes).ToArray()).ToZip());
        WeightsAssert.Says(message, Torch(new Pickle().Raw(opcodes).ToArray()).ToLegacy());
    }

    [Fact]
    public void CyclesAreHarmless()
    {
        // d = {}; d["model"] = d: then a list in itself, and a tuple of a list that holds the tuple.
        WeightsAssert.Says("more than 4 levels deep", Torch(new Pickle().Raw("}").Put(0).Text("model").Get(0).Raw("s").ToArray()).ToZip());
        WeightsAssert.Says("holds a list", Torch(new Pickle().Raw("]").Put(0).Get(0).Raw("a").ToArray()).ToZip());
        WeightsAssert.Says("holds a tuple", Torch(new Pickle().Raw("]").Put(0).Get(0).Raw(0x85).Put(1).Raw("a").Get(1).ToArray()).ToZip());

        // A dictionary that is a value and a key of its own is no tensor either.
        WeightsAssert.Says("holds no tensors", Torch(new Pickle().Raw("}").Put(0).Get(0).Get(0).Raw("s").ToArray()).ToZip());
    }

    [Theory]
    [InlineData("(", 1_000_000, "levels deep")]              // marks
    [InlineData("\x85", 1_000_000, "holds a tuple")]         // a tuple in a tuple in …
    [InlineData("]", 1_000_000, "holds a list")]             // a million lists
    [InlineData("}\x94", 600_000, "more than 1,048,576 operations")] // all remembered
    [InlineData("2", 1_100_000, "more than 1,048,576 operations")]
    public void LongAndDeepPicklesAreBounded(string opcodes, int count, string message) =>
        WeightsAssert.Says(message, Torch(new Pickle().Raw("N").Repeat(opcodes, count).ToArray()).ToLegacy());

    [Fact]
    public void PicklesOfManyBytesAreBounded()
    {
        var texts = new Pickle().Repeat("X\xff\xff\x00\x00" + new string('x', 65_535), 300).ToArray();

        WeightsAssert.Says("longer than 8,388,608 bytes", Torch(texts).ToLegacy());
        WeightsAssert.Says("at most 8,388,608 are read", Torch(texts).ToZip());
    }

    [Theory]
    [InlineData(6, 0, new[] { Huge }, new[] { 1L }, "no size of a tensor")]
    [InlineData(6, 0, new[] { 1L << 31, 1L << 31 }, new[] { 1L, 1L }, "no size of a tensor")]
    [InlineData(6, 0, new[] { 0L, Huge }, new[] { 1L, 1L }, "no size of a tensor")]
    [InlineData(6, 0, new[] { -1L }, new[] { 1L }, "no size of a tensor")]
    [InlineData(6, 0, new[] { 1L, 1, 1, 1, 1, 1, 1, 1, 6 }, new[] { 6L, 6, 6, 6, 6, 6, 6, 6, 1 }, "9 dimensions")]
    [InlineData(6, 0, new[] { 7L }, new[] { 1L }, "outside of its storage of 6")]
    [InlineData(6, 5, new[] { 2L }, new[] { 1L }, "outside of its storage of 6")]
    [InlineData(6, Huge, new[] { 2L }, new[] { Huge }, "outside of its storage of 6")]
    [InlineData(6, long.MaxValue, new[] { 2L }, new[] { long.MaxValue }, "outside of its storage of 6")]
    [InlineData(6, -1, new[] { 2L }, new[] { 1L }, "starts at -1")]
    [InlineData(6, 0, new[] { 2L }, new[] { -1L }, "steps of [-1]")]
    [InlineData(6, 0, new[] { 2L, 3 }, new[] { 1L }, "for 2 dimensions")]
    [InlineData(6, 0, new[] { 1_000_000L }, new[] { 0L }, "repeats one value 1,000,000 times")]
    [InlineData(6, 0, new[] { 3L, 3 }, new[] { 1L, 1 }, "outside of its storage of 6")] // overlapping rows: nine values of five
    [InlineData(Huge, 0, new[] { 6L }, new[] { 1L }, "claims")]
    [InlineData(long.MaxValue, 0, new[] { 6L }, new[] { 1L }, "claims")]
    [InlineData(-1, 0, new[] { 6L }, new[] { 1L }, "negative size")]
    public void TensorsOutsideOfTheirStorageAreRefused(long count, long offset, long[] shape, long[] strides, string message)
    {
        var file = new TorchFile();
        file.Object.Raw("}").Text("w").Tensor("FloatStorage", file.AddStorage(new byte[24]), count, offset, shape, strides).Raw("s");

        WeightsAssert.Says(message, file.ToLegacy());
        WeightsAssert.Refused(file.ToZip());
    }

    [Fact]
    public void ViewsOfOneStorageCannotMultiplyMemory()
    {
        var file = new TorchFile();
        var key = file.AddStorage(new byte[1_000_000]);
        file.Object.Raw("}(");
        for (var i = 0; i < 10_000; i++)
        {
            file.Object.Text($"w{i}").Tensor("FloatStorage", key, 250_000, 0, [250_000], [1]);
        }

        file.Object.Raw("u");

        WeightsAssert.Says("far more than a file of", file.ToLegacy());
    }

    [Fact]
    public void SmallViewsOfALargeStorageTakeLittle()
    {
        // The first and the last value, in steps of the whole storage.
        var file = new TorchFile();
        var key = file.AddStorage(new byte[1_000_000]);
        file.Object.Raw("}(");
        for (var i = 0; i < 6_000; i++)
        {
            file.Object.Text($"w{i}").Tensor("FloatStorage", key, 250_000, 0, [2], [249_999]);
        }

        file.Object.Raw("uN"); // refused at last, for its None
        WeightsAssert.Refused(file.ToLegacy());
        file.Object.Raw("0");
        WeightsAssert.ReadOrRefused(file.ToLegacy());
    }

    [Theory]
    [InlineData("ccollections\nOrderedDict\n", "a list of pairs")]
    [InlineData("ctorch._utils\n_rebuild_tensor_v2\n", "a shape")]
    public void WhatIsRememberedCannotBeCopiedAgainAndAgain(string function, string what)
    {
        // 100,000 calls with an argument of 100,000 items.
        const int count = 100_000;
        var pickle = new Pickle().Raw(function).Put(0).Raw("0");
        if (what == "a shape")
        {
            pickle.Raw("(").Storage("FloatStorage", "0", 6).Raw("K\x00(").Repeat("K\x01", count).Raw("tK\x01\x85t").Put(1).Raw("0");
        }
        else
        {
            pickle.Raw("(](").Raw("NN\x86").Repeat("2", count).Raw("et").Put(1).Raw("0");
        }

        pickle.Repeat("h\x00h\x01R0", count).Raw("N");

        WeightsAssert.Refused(Torch(pickle.ToArray()).ToLegacy());
    }

    [Fact]
    public void StoragesThatAreNotThereAreRefused()
    {
        WeightsAssert.Says("lacks the entry 'archive/data/7'", Torch(Tensor("7")).ToZip());
        WeightsAssert.Says("lacks the storage '7'", Torch(Tensor("7")).ToLegacy());
        WeightsAssert.Says("lacks the entry 'archive/data/../../etc/passwd'", Torch(Tensor("../../etc/passwd")).ToZip());

        var file = Torch(new Pickle().Raw("}").ToArray());
        file.AddStorage(new byte[24]);
        WeightsAssert.Says("a storage that its pickle does not name", file.ToLegacy());

        static byte[] Tensor(string key) => new Pickle().Raw("}").Text("w").Tensor("FloatStorage", key, 6, 0, [6], [1]).Raw("s").ToArray();
    }

    [Fact]
    public void StoragesOfFewerBytesThanTheyClaimAreRefused()
    {
        TorchFile Claiming(long count)
        {
            var file = new TorchFile();
            file.Object.Raw("}").Text("w").Tensor("FloatStorage", file.AddStorage(new byte[24]), count, 0, [12], [1]).Raw("s");
            return file;
        }

        WeightsAssert.Says("storage '0' is 12 float32 values, but has 24 bytes", Claiming(12).ToZip());
        WeightsAssert.Says("claims 12 float32 values in its pickle and 6 where it lies", Claiming(12).ToLegacy());
        WeightsAssert.Says("where it lies, before 24 bytes", Claiming(400_000_000).ToLegacy(claimedCount: 400_000_000));
    }

    [Fact]
    public void AStorageOfTwoSizesIsRefused()
    {
        var file = new TorchFile();
        var key = file.AddStorage(new byte[24]);
        file.Object.Raw("}(")
            .Text("a").Tensor("FloatStorage", key, 6, 0, [6], [1]).Text("b").Tensor("FloatStorage", key, 60_000_000, 0, [6], [1]).Raw("u");

        WeightsAssert.Says("describes storage '0' in two ways", file.ToZip());
    }

    [Theory]
    [InlineData("../evil")]
    [InlineData("archive/../../evil")]
    [InlineData("..\\evil")]
    [InlineData("/etc/evil")]
    public void EntriesThatPointOutsideAreRefused(string name) =>
        WeightsAssert.Says("points outside of the archive", Zip(("archive/data.pkl", [(byte)'N', (byte)'.']), (name, [1])));

    [Fact]
    public void EntriesOfOneNameAreRefused() =>
        WeightsAssert.Says("two entries 'archive/data.pkl'", Zip(("archive/data.pkl", [1]), ("archive/data.pkl", [2])));

    [Fact]
    public void BombsAreNotUnpacked()
    {
        var file = new TorchFile();
        var key = file.AddStorage(new byte[64_000_000]);
        file.Object.Raw("}").Text("w").Tensor("FloatStorage", key, 16_000_000, 0, [16], [1]).Raw("s");
        var bomb = file.ToZip(CompressionLevel.Fastest);
        Assert.InRange(bomb.Length, 0, 1_000_000);

        WeightsAssert.Says("more than a file of", bomb);
        WeightsAssert.Says("more than a file of", Zip(("archive/data.pkl", new byte[64_000_000])));
        WeightsAssert.Says("more than a file of", Zip(("a/OnnxModel", new byte[64_000_000])));
    }

    [Fact]
    public void EntriesThatLieAboutTheirLengthAreRefused()
    {
        var zip = Zip(("archive/data.pkl", "N."u8.ToArray()));
        var directory = zip.AsSpan().LastIndexOf("PK\x01\x02"u8);
        BitConverter.TryWriteBytes(zip.AsSpan(directory + 24), 10_000_000); // uncompressed size

        WeightsAssert.Says("claims 10,000,000 bytes", zip);
    }

    [Fact]
    public void DirectoriesOfManyEntriesAreNotRead()
    {
        const int count = 50_000, nameLength = 200;
        var entry = new byte[46 + nameLength];
        "PK\x01\x02"u8.CopyTo(entry);
        entry[28] = nameLength;
        using var zip = new MemoryStream();
        zip.Write("PK\x03\x04"u8);
        for (var i = 0; i < count; i++)
        {
            zip.Write(entry);
        }

        var end = new byte[22];
        "PK\x05\x06"u8.CopyTo(end);
        BitConverter.TryWriteBytes(end.AsSpan(8), (ushort)count);
        BitConverter.TryWriteBytes(end.AsSpan(10), (ushort)count);
        BitConverter.TryWriteBytes(end.AsSpan(12), count * entry.Length);
        BitConverter.TryWriteBytes(end.AsSpan(16), 4);
        zip.Write(end);

        WeightsAssert.Says("its directory is too long", zip.ToArray());
    }

    [Theory]
    [InlineData("{}", 1UL << 60, "claims 1,152,921,504,606,846,976 bytes")]
    [InlineData("{}", ulong.MaxValue, "claims 18,446,744,073,709,551,615 bytes")]
    [InlineData("{}", 3UL, "claims 3 bytes, but 2 follow")]
    [InlineData("{ }", null, "no tensor of weights")]
    [InlineData("{} {}", null, "not the JSON of safetensors")]
    [InlineData("{\"w\":", null, "not the JSON of safetensors")]
    [InlineData("{\"w\":1}", null, "not the JSON of safetensors")]
    [InlineData("{\"w\":{\"dtype\":\"F32\"}}", null, "lacks a type, a shape")]
    [InlineData("{\"w\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}}", null, "not the JSON of safetensors")]
    [InlineData("{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", null, "two ascending offsets")]
    [InlineData("{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-4,0]}}", null, "two ascending offsets")]
    [InlineData("{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,12]}}", null, "ends at byte 12 of the data")]
    [InlineData("{\"w\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", null, "is 3 float32 values, but lies in 8 bytes")]
    [InlineData("{\"w\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,8]}}", null, "no size of a tensor")]
    [InlineData(
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[1152921504606846976],\"data_offsets\":[0,4611686018427387904]}}",
        null,
        "ends at byte 4,611,686,018,427,387,904")]
    [InlineData("{\"w\":{\"dtype\":\"F32\",\"shape\":[92233720368547758070],\"data_offsets\":[0,8]}}", null, "not the JSON of safetensors")]
    [InlineData("{\"w\":{\"dtype\":\"F8_E4M3\",\"shape\":[8],\"data_offsets\":[0,8]}}", null, "of type 'F8_E4M3', which is not read")]
    [InlineData(
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[2,6]}}",
        null,
        "overlaps another")]
    [InlineData(
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
        null,
        "overlaps another")]
    [InlineData(
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
        null,
        "two tensors named 'w'")]
    [InlineData(
        "{\"linear.weight\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
        + "\"fc.weight\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
        null,
        "two tensors named 'fc.weight'")]
    [InlineData("{\"__metadata__\":{\"class_names\":\"[null]\"}}", null, "metadata 'class_names' cannot be understood")]
    [InlineData("{\"__metadata__\":{\"class_names\":\"null\"}}", null, "metadata 'class_names' cannot be understood")]
    [InlineData("{\"__metadata__\":{\"preprocessing\":\"{}\"}}", null, "metadata 'preprocessing' cannot be understood")]
    [InlineData(
        "{\"__metadata__\":{\"preprocessing\":\"{\\\"input\\\":{\\\"channels\\\":1,\\\"height\\\":-1,\\\"width\\\":8},"
        + "\\\"mean\\\":[0],\\\"standard_deviation\\\":[1]}\"}}",
        null,
        "have no pixels")]
    [InlineData(
        "{\"__metadata__\":{\"preprocessing\":\"{\\\"input\\\":{\\\"channels\\\":1,\\\"height\\\":8,\\\"width\\\":8},"
        + "\\\"mean\\\":[0],\\\"standard_deviation\\\":[0]}\"}}",
        null,
        "greater than zero")]
    [InlineData("{\"__metadata__\":{\"x\":{}}}", null, "not the JSON of safetensors")]
    public void HeadersOfSafetensorsAreHeldAgainstTheFile(string header, ulong? length, string message) =>
        WeightsAssert.Says(message, SafetensorsText.File(header, dataLength: length is null ? 8 : 0, length));

    [Fact]
    public void LongHeadersOfSafetensorsAreBounded()
    {
        WeightsAssert.Says("not the JSON", SafetensorsText.File("{\"w\":" + new string('[', 8_000_000)));
        WeightsAssert.Says(
            "longer than any shape",
            SafetensorsText.File("{\"w\":{\"shape\":[" + string.Join(',', Enumerable.Repeat(1, 1_000_000)) + "]}}"));
        WeightsAssert.Says("more than 65,536 tensors", SafetensorsText.File(
            "{" + string.Join(',', Enumerable.Range(0, 70_000).Select(i => $$"""
            "{{i}}":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}
            """)) + "}"));
        WeightsAssert.Says(
            "characters long", SafetensorsText.File("{\"__metadata__\":{\"class_names\":\"" + new string(' ', 5_000_000) + "\"}}"));
        WeightsAssert.Says("at most 8,388,608 are read", SafetensorsText.File("{" + new string(' ', 20_000_000) + "}"));
    }

    [Fact]
    public void RepetitionsInHeadersOfSafetensorsAreBounded()
    {
        static string Many(string text) => string.Concat(Enumerable.Repeat(text, 8_000_000 / text.Length));

        WeightsAssert.Says("and each once", SafetensorsText.File($"{{\"w\":{{{Many("\"shape\":[],")}\"dtype\":\"F32\"}}}}"));
        WeightsAssert.Says(
            "it is there twice", SafetensorsText.File($"{{\"__metadata__\":{{{Many("\"class_names\":\"[]\",")}\"a\":\"\"}}}}"));
        WeightsAssert.Says("no tensor", SafetensorsText.File($"{{\"__metadata__\":{{{Many("\"a\":\"b\",")}\"a\":\"\"}}}}"));
        WeightsAssert.Says("no tensor", SafetensorsText.File($"{{{Many("\"__metadata__\":{},")}\"__metadata__\":{{}}}}"));
        WeightsAssert.Says("lacks a type", SafetensorsText.File($"{{{Many("\"a\":{},")}\"a\":{{}}}}"));
    }

    [Fact]
    public void NamesCannotGarbleALog() =>
        WeightsAssert.Says("'a??", SafetensorsText.File(
            "{\"a\\n\\u001b" + new string('x', 100_000) + "\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[0,8]}}", 8));

    private static TorchFile Torch(byte[] opcodes)
    {
        var file = new TorchFile();
        file.Object.Raw(opcodes);
        return file;
    }

    private static byte[] Zip(params ReadOnlySpan<(string Name, byte[] Content)> entries)
    {
        using var bytes = new MemoryStream();
        using (var zip = new ZipArchive(bytes, ZipArchiveMode.Create, leaveOpen: true, Encoding.UTF8))
        {
            foreach (var (name, content) in entries)
            {
                using var entry = zip.CreateEntry(name, CompressionLevel.Fastest).Open();
                entry.Write(content);
            }
        }

        return bytes.ToArray();
    }
}
