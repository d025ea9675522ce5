using System.Formats.Tar;
using CsCheck;
using Microsoft.ML.ResNet.Images;
using static Microsoft.ML.ResNet.Tests.Images.Cifar10Archives;

namespace Microsoft.ML.ResNet.Tests.Images;

/// <summary>Archives as others write them, and archives made to crash, hang or exhaust a reader.</summary>
public sealed class Cifar10ArchiveTests
{
    private const long AllocationLimit = 100_000_000;
    private static readonly int Cases = Environment.GetEnvironmentVariable("RESNET_LONG_TESTS") is { Length: > 0 } ? 100_000 : 2_000;

    [Theory]
    [InlineData(TarEntryFormat.V7, "cifar-10-batches-bin/")]
    [InlineData(TarEntryFormat.Ustar, "cifar-10-batches-bin/")]
    [InlineData(TarEntryFormat.Pax, "./cifar-10-batches-bin/")]
    [InlineData(TarEntryFormat.Gnu, "")]
    [InlineData(TarEntryFormat.Ustar, "./")]
    public void ReadsTheFilesWhateverProgramPackedThem(TarEntryFormat format, string folder)
    {
        var tar = Tar([new UstarTarEntry(TarEntryType.Directory, "cifar-10-batches-bin/"), .. Entries(folder, format), Entry(
            "cifar-10-batches-bin/batches.meta.txt", [.. "airplane\n"u8])]);

        AssertSame(Read(tar));
        AssertSame(Read(Gzip(tar)));
    }

    [Fact]
    public void ReadsEntriesInAnyOrder() => AssertSame(Read(Gzip(Tar(Entries().Reverse()))));

    [Fact]
    public void PassesOverEntriesOfOtherNames()
    {
        TarEntry[] others =
        [
            Entry("../../data_batch_1.bin", [1, 2, 3]), Entry("/data_batch_2.bin", [1]),
            Entry("cifar-10-batches-bin/../data_batch_3.bin", []), Entry("other/data_batch_4.bin", [5]),
            Entry("cifar-10-batches-bin/cifar-10-batches-bin/data_batch_5.bin", [6]),
            Entry($"{new string('x', 120)}/data_batch_1.bin", [7]),
            new UstarTarEntry(TarEntryType.SymbolicLink, "readme.html") { LinkName = "/etc/passwd" },
        ];

        AssertSame(Read(Tar([.. others, .. Entries()])));
        Says("it lacks data_batch_1.bin", Tar(others));
    }

    [Theory]
    [InlineData(TarEntryType.SymbolicLink)]
    [InlineData(TarEntryType.HardLink)]
    [InlineData(TarEntryType.Directory)]
    public void RefusesAnEntryThatIsNoFile(TarEntryType type)
    {
        var entry = new UstarTarEntry(type, "cifar-10-batches-bin/test_batch.bin");
        if (type != TarEntryType.Directory)
        {
            entry.LinkName = "cifar-10-batches-bin/data_batch_1.bin";
        }

        Says("its entry 'cifar-10-batches-bin/test_batch.bin' is a link or a folder, not a file", Gzip(Tar([.. Entries()[..5], entry])));
    }

    [Fact]
    public void RefusesTwoEntriesOfAName() =>
        Says("it has two entries data_batch_2.bin", Gzip(Tar([.. Entries(), Entry("data_batch_2.bin", File("data_batch_2.bin"))])));

    [Fact]
    public void NamesWhatIsMissingAndWhatIsThereInstead()
    {
        Says(
            "it lacks data_batch_4.bin, test_batch.bin. That archive is https://www.cs.toronto.edu/",
            Tar(Entries().Where((_, i) => i is not 3 and not 5)));
        Says(
            "; its other entries are 'cifar-10-batches-py/data_batch_1', 'cifar-10-batches-py/test_batch'.",
            Gzip(Tar(Entry("cifar-10-batches-py/data_batch_1", [1]), Entry("cifar-10-batches-py/test_batch", [2]))));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3072)]
    [InlineData(3074)]
    [InlineData(2 * 3073 + 1)]
    public void RefusesAFileThatIsNotWholeRecords(int length) =>
        Says(
            $"data_batch_1.bin is {length:n0} bytes long, which are not 1 to 10,000 records of 3,073 bytes",
            Gzip(Tar(Entry("data_batch_1.bin", new byte[length]))));

    [Fact]
    public void RefusesALabelThatIsNoneByItsRecord()
    {
        var file = File("data_batch_1.bin");
        file[7 * Cifar10Batch.RecordLength] = 10;

        Says("record 7 of data_batch_1.bin, counted from 0, has the label 10, but labels are 0 to 9", Tar(Entry("data_batch_1.bin", file)));
    }

    [Theory]
    [InlineData("data_batch_1.bin", '0', 10_001L * 3073, "30,733,073 bytes long")]
    [InlineData("data_batch_1.bin", '0', 0x1_FFFF_FFFF, "8,589,934,591 bytes long")]
    [InlineData("data_batch_1.bin", '0', 10_000L * 3073, "cut short")]
    [InlineData("data_batch_1.bin", '2', 0x7FFF_FFFF, "is a link or a folder")]
    [InlineData("other", '0', 0x1_FFFF_FFFF, "cut short")]
    [InlineData("pax", 'x', 0x7FFF_FFC7, "cut short")]   // System.Formats.Tar takes 2 GB for these three
    [InlineData("pax", 'g', 0x7FFF_FFC7, "cut short")]
    [InlineData("././@LongLink", 'L', 0x7FFF_FFC7, "cut short")]
    public void TakesLittleMemoryForALengthThatIsOnlyClaimed(string name, char type, long length, string expected) =>
        Says(expected, [.. Header(name, type, length), .. new byte[2000]]);

    [Theory]
    [InlineData("\x80\0\0\0\0\0\0\0\0\0\0\x01")] // GNU's binary lengths, for files of over 8 GB
    [InlineData("-1")]
    [InlineData("9")]
    [InlineData("12 34")]
    public void RefusesALengthThatIsNotOctal(string length) => Says("is not octal", Header("data_batch_1.bin", '0', length));

    [Fact]
    public void RefusesABomb()
    {
        var bomb = new byte[210_000_000]; // 1 MB compressed
        Header("zeros", '0', bomb.Length).CopyTo(bomb, 0);

        Says("it unpacks to more than 201,157,216 bytes", Gzip(bomb));
    }

    [Fact]
    public void RefusesWhatIsNoArchive()
    {
        Says("it is cut short", []);
        Says("it is cut short", [0x1F, 0x8B]);
        Says("it does not start with the header of a tar archive", [.. "PK\x03\x04"u8, .. new byte[600]]);
        Says("it does not start with the header of a tar archive", Gzip(File("test_batch.bin")));
        Says("there is no header of a tar archive after its entry 'a'", [.. Header("a", '0', 0), .. File("test_batch.bin")]);
        Assert.Contains("zip files, must be unpacked first", Refused([.. "PK\x03\x04"u8, .. new byte[600]]));
    }

    [Fact]
    public void RefusesATarThatIsCutAnywhere()
    {
        var tar = Tar(Entries(records: 1));
        for (var length = 0; length < tar.Length - 1023; length += 61)
        {
            Assert.Contains("it is cut short", Refused(tar[..length]));
        }
    }

    [Fact]
    public void RefusesACompressedTarThatIsCutAnywhereInItsData()
    {
        const int trailer = 8;
        var file = Gzip(Tar(Entries(records: 1)));
        for (var length = 0; length < file.Length - trailer; length += 97)
        {
            Refused(file[..length]);
        }
    }

    [Fact]
    public void RefusesACompressedTarWhoseChecksumIsWrong()
    {
        const int checksum = 8; // from the end: four bytes of it, then four of the length
        var file = Gzip(Tar(Entries()));
        AssertSame(Read(file));

        file[^checksum] ^= 1;
        Refused(file);
    }

    [Fact]
    public void ACompressedTarThatIsChangedAnywhereIsRefusedOrReadAsItWas()
    {
        var file = Gzip(Tar(Entries()));
        var refused = 0;
        for (var at = 0; at < file.Length; at += 10_007)
        {
            var changed = (byte[])file.Clone();
            changed[at] ^= 4;
            try
            {
                AssertSame(Read(changed)); // in the header's time, or in a bit that is only there to fill a byte
            }
            catch (InvalidDataException)
            {
                refused++;
            }
        }

        Assert.InRange(refused, file.Length / 10_007 / 2, int.MaxValue);
    }

    [Fact]
    public void DamagedAnywhereItIsReadOrRefused()
    {
        byte[][] files = [Tar(Entries(records: 1)), Gzip(Tar(Entries(records: 1)))];
        var changes = Gen.Select(Gen.Int[0, int.MaxValue], Gen.OneOf(Gen.Byte, Gen.Const<byte>(0), Gen.Const((byte)'7'))).Array[1, 6];
        Gen.Select(Gen.Bool, Gen.Bool, changes).Sample((compressed, inHeaders, changes) =>
        {
            var damaged = (byte[])files[compressed ? 1 : 0].Clone();
            foreach (var (place, value) in changes)
            {
                // Most of a tar is pixels, where a change harms nothing.
                damaged[inHeaders && !compressed ? place % 6 * (512 + 7 * 512) + place % 512 : place % damaged.Length] = value;
            }

            ReadOrRefused(damaged);
        }, iter: Cases, threads: 1);
    }

    private static Dictionary<string, ReadOnlyMemory<byte>[]> Read(byte[] archive) =>
        Cifar10Archive.Read(new MemoryStream(archive, writable: false), "file");

    private static void AssertSame(Dictionary<string, ReadOnlyMemory<byte>[]> files)
    {
        Assert.Equal(Cifar10Batch.Files.Order(), files.Keys.Order());
        Assert.All(files, file => Assert.Equal(File(file.Key), file.Value.SelectMany(record => record.ToArray())));
    }

    private static void Says(string expected, byte[] archive) => Assert.Contains(expected, Refused(archive));

    private static string Refused(byte[] archive)
    {
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        var exception = Assert.Throws<InvalidDataException>(() => Read(archive));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - allocated, 0, AllocationLimit);
        Assert.StartsWith("'file' is no archive of CIFAR-10's binary version: ", exception.Message);
        return exception.Message;
    }

    private static void ReadOrRefused(byte[] archive)
    {
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            Read(archive);
        }
        catch (InvalidDataException)
        {
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - allocated, 0, AllocationLimit);
    }
}
