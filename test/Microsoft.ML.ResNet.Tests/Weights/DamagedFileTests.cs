using System.IO.Compression;
using CsCheck;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Tests.Graphs;
using Microsoft.ML.ResNet.Tests.Scoring;

namespace Microsoft.ML.ResNet.Tests.Weights;

/// <summary>
/// Whatever happens to a file, reading it gives weights or an <see cref="InvalidDataException"/>, within 100 MB. Set RESNET_LONG_TESTS=1
/// for 100,000 cases per format.
/// </summary>
public sealed class DamagedFileTests
{
    private static readonly int Cases = Environment.GetEnvironmentVariable("RESNET_LONG_TESTS") is { Length: > 0 } ? 100_000 : 500;
    private static readonly LayerPlan ForeignPlan = LayerPlan.Create(
        new ResNetArchitecture("small", BlockKind.Bottleneck, [1, 1]) { BaseWidth = 4 }, new ImageShape(3, 16, 16), 3);

    private static readonly Dictionary<string, Lazy<byte[]>> Files = new()
    {
        ["safetensors"] = new(() => Saved(folder => WeightsAssert.Small().Save(folder))),
        ["zip"] = new(() => TorchFile.Of(WeightsAssert.Small(), wrapper: "state_dict").ToZip()),
        ["deflated zip"] = new(() => TorchFile.Of(WeightsAssert.Small()).ToZip(CompressionLevel.Optimal)),
        ["legacy"] = new(() => TorchFile.Of(WeightsAssert.Small(), wrapper: "model").ToLegacy()),
        ["onnx"] = new(() => Saved((classifier, _, _, path) => classifier.ExportOnnx(path))),
        ["onnx of another"] = new(() =>
            GraphAssert.Bytes(ForeignGraph.Keras(ForeignPlan, GoldenNetworks.Weights(ForeignPlan), trimsPadding: true))),
        ["model.zip"] = new(() => Saved((classifier, ml, data, path) => ml.Model.Save(classifier, data.Schema, path))),
        ["stored model.zip"] = new(() => Stored(Files!["model.zip"].Value)),
    };

    public static TheoryData<string> Formats => [.. Files.Keys];

    [Theory]
    [MemberData(nameof(Formats))]
    public void CutAnywhereItIsReadOrRefused(string format)
    {
        var file = Files[format].Value;
        WeightsAssert.Read(file); // sane before
        for (var length = 0; length < file.Length; length += Math.Max(1, file.Length / 500))
        {
            WeightsAssert.ReadOrRefused(file[..length]);
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void FlippedAnywhereItIsReadOrRefused(string format)
    {
        var file = Files[format].Value;
        var flips = Gen.Select(Gen.Int[0, file.Length - 1], Gen.Byte[1, 255]).Array[1, 8];

        Check(flips, flips =>
        {
            var damaged = (byte[])file.Clone();
            foreach (var (at, bits) in flips)
            {
                damaged[at] ^= bits;
            }

            return damaged;
        });
    }

    // Most of a file is values, where a flip harms nothing: these fall near where something else was, on lengths and opcodes.
    [Theory]
    [MemberData(nameof(Formats))]
    public void FlippedInItsStructureItIsReadOrRefused(string format)
    {
        var file = Files[format].Value;
        var places = StructuralPlaces(file);
        var special = Gen.OneOf(Gen.Const<byte>(0), Gen.Const<byte>(0x7f), Gen.Const<byte>(0x80), Gen.Const<byte>(0xff));
        var changes = Gen.Select(Gen.Int[0, places.Length - 1], Gen.OneOf(Gen.Byte, special)).Array[1, 4];

        Check(changes, changes =>
        {
            var damaged = (byte[])file.Clone();
            foreach (var (place, value) in changes)
            {
                damaged[places[place]] = value;
            }

            return damaged;
        });
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void CutAndJoinedItIsReadOrRefused(string format)
    {
        var file = Files[format].Value;
        Check(Gen.Select(Gen.Int[0, file.Length], Gen.Int[0, file.Length]), ends => [.. file[..ends.Item1], .. file[ends.Item2..]]);
    }

    [Fact]
    public void APickleOfAnyOpcodesIsReadOrRefused()
    {
        // Opcodes that put things onto the stack are more likely, so that those which take them find some.
        var simple = Gen.OneOf([.. "N)]}2(2NNttuesa\x85\x86\x87R\x81bQ0\x94\x94".Select(opcode => Gen.Const($"{opcode}"))]);
        var constant = Gen.OneOf(
        [
            .. new[]
            {
                "K\x00", "K\x06", "h\x00", "h\x01", "h\x02", "q\x00", "q\x01", "q\x02",
                "X\x01\x00\x00\x00w", "X\x07\x00\x00\x00storage", "U\x010", "U\x05model", "K\x06\x85", "K\x01\x85",
                "ccollections\nOrderedDict\n", "ctorch._utils\n_rebuild_tensor_v2\n",
                "ctorch._utils\n_rebuild_parameter\n", "ctorch\nFloatStorage\n", "ctorch\nSize\n",
                "(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuK\x06tQ",
            }.Select(Gen.Const),
        ]);
        var file = new byte[24];
        Check(Gen.OneOf(simple, constant, constant).Array[1, 80], opcodes =>
        {
            var torch = new TorchFile();
            torch.AddStorage(file);
            torch.Object.Raw(string.Concat(opcodes));
            return torch.ToLegacy();
        });
    }

    private static void Check<T>(Gen<T> damage, Func<T, byte[]> apply) =>
        damage.Sample(value => WeightsAssert.ReadOrRefused(apply(value)), iter: Cases, threads: 1);

    // Where a file does not look like floats: near text, or in a run of small bytes.
    private static int[] StructuralPlaces(byte[] file) =>
        [.. Enumerable.Range(0, file.Length).Where(i => file.AsSpan(Math.Max(0, i - 4)..Math.Min(file.Length, i + 5))
            .ToArray()
            .Count(value => value is 0 or 1 or (>= 32 and < 127)) >= 7)];

    // The same files in a zip without compression, so that a flip reaches what reads them.
    private static byte[] Stored(byte[] zip)
    {
        using var bytes = new MemoryStream();
        using (var source = new ZipArchive(new MemoryStream(zip)))
        using (var target = new ZipArchive(bytes, ZipArchiveMode.Create))
        {
            foreach (var entry in source.Entries)
            {
                using var from = entry.Open();
                using var to = target.CreateEntry(entry.FullName, CompressionLevel.NoCompression).Open();
                from.CopyTo(to);
            }
        }

        return bytes.ToArray();
    }

    private static byte[] Saved(Action<string> save)
    {
        using var folder = new TemporaryFolder();
        save(folder["file"]);
        return File.ReadAllBytes(folder["file"]);
    }

    private static byte[] Saved(Action<ResNetClassificationTransformer, MLContext, IDataView, string> save) => Saved(path =>
    {
        var ml = new MLContext(seed: 1);
        var rows = Pictures.Load(ml, Pictures.Rows(perClass: 1, height: 8, width: 8, channels: 3));
        var data = ml.Transforms.Conversion.MapValueToKey("Label", nameof(PixelRow.Name)).Fit(rows).Transform(rows);
        using var classifier = TestClassifier.Create(ml, data, nameof(PixelRow.Bytes));
        save(classifier, ml, data, path);
    });
}
