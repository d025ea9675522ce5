using System.Buffers.Binary;
using System.Reflection;
using System.Text;
using TorchSharp;

namespace Microsoft.ML.ResNet.Trainers.Tests.Interop;

public sealed class LibTorchSharpLoaderTests
{
    private const string Wanted = "GLIBCXX_3.4.32";

    // Where SharedObject() puts things.
    private const int FileHeader = 64;
    private const int Needs = FileHeader;
    private const int WantedFlags = Needs + 48 + 4;
    private const int Strings = Needs + 64;
    private const int SectionHeaders = Strings + 64;
    private const int NeedsHeader = SectionHeaders + 64;
    private const int StringsHeader = SectionHeaders + 128;
    private const int Length = SectionHeaders + 192;

    [Fact]
    public void TryWeakenSetsOneFlagAndNothingElse()
    {
        byte[] expected = SharedObject();
        expected[WantedFlags] = 2; // VER_FLG_WEAK

        byte[] elf = SharedObject();
        Assert.True(ElfVersionNeeds.TryWeaken(elf, Wanted));
        Assert.Equal(expected, elf);

        Assert.True(ElfVersionNeeds.TryWeaken(elf, Wanted));
        Assert.Equal(expected, elf);
    }

    [Theory]
    [InlineData("GLIBCXX_3.4.3")]  // a prefix of one that is there
    [InlineData("GLIBCXX_3.4.33")]
    [InlineData("")]
    public void TryWeakenLeavesAFileWithoutTheVersionAlone(string version)
    {
        byte[] elf = SharedObject();
        Assert.False(ElfVersionNeeds.TryWeaken(elf, version));
        Assert.Equal(SharedObject(), elf);
    }

    [Theory]
    [InlineData(0, 0x7e)] // not ELF
    [InlineData(4, 1)]    // 32 bits
    [InlineData(5, 2)]    // big-endian
    [InlineData(58, 63)]  // section headers too short to be any
    [InlineData(60, 1)]   // no section of needs among those counted
    [InlineData(NeedsHeader + 40, 3)] // strings in a section that is not there
    public void TryWeakenLeavesOtherFilesAlone(int offset, byte value)
    {
        byte[] elf = SharedObject();
        elf[offset] = value;
        byte[] before = [.. elf];
        Assert.False(ElfVersionNeeds.TryWeaken(elf, Wanted));
        Assert.Equal(before, elf);
    }

    [Fact]
    public void TryWeakenSurvivesEveryTruncation()
    {
        byte[] elf = SharedObject();
        for (int length = 0; length < elf.Length; length++)
        {
            // An array of its own, so that a read past the end throws.
            Assert.False(ElfVersionNeeds.TryWeaken(elf[..length], Wanted));
        }
    }

    [Theory]
    [InlineData(40, 8)]                 // where the section headers are
    [InlineData(58, 2)]                 // and how far apart
    [InlineData(60, 2)]                 // and how many
    [InlineData(NeedsHeader + 24, 8)]   // where the needs are
    [InlineData(NeedsHeader + 32, 8)]   // and how long
    [InlineData(NeedsHeader + 40, 4)]   // and where their strings
    [InlineData(StringsHeader + 24, 8)]
    [InlineData(StringsHeader + 32, 8)]
    [InlineData(Needs + 8, 4)]          // to the first version of a library
    [InlineData(Needs + 12, 4)]         // to the next library
    [InlineData(Needs + 32 + 8, 4)]     // to a version's name
    [InlineData(Needs + 32 + 12, 4)]    // to the next version
    public void TryWeakenSurvivesHostileNumbers(int offset, int size)
    {
        foreach (ulong hostile in (ulong[])[0, 1, 15, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xfffffff0, uint.MaxValue, long.MaxValue,
            1ul << 63, ulong.MaxValue - 63, ulong.MaxValue])
        {
            byte[] elf = SharedObject();
            for (int i = 0; i < size; i++)
            {
                elf[offset + i] = (byte)(hostile >> (8 * i));
            }

            byte[] before = [.. elf];
            bool weakened = ElfVersionNeeds.TryWeaken(elf, Wanted);
            Assert.InRange(elf.Zip(before).Count(pair => pair.First != pair.Second), 0, weakened ? 1 : 0);
        }
    }

    [Fact]
    public void TryWeakenSurvivesNoise()
    {
        var random = new Random(7);
        for (int round = 0; round < 20_000; round++)
        {
            byte[] elf = SharedObject();
            for (int i = random.Next(1, 6); i > 0; i--)
            {
                elf[random.Next(6, elf.Length)] = (byte)random.Next(256);
            }

            ElfVersionNeeds.TryWeaken(elf, Wanted);
        }
    }

    [SkippableFact]
    public void TryWeakenFindsTheVersionInTorchSharpsOwnLibrary()
    {
        string path = Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native", "libLibTorchSharp.so");
        Skip.IfNot(File.Exists(path), "The tests were built for one platform, so other platforms' files are not here.");
        byte[] shipped = File.ReadAllBytes(path);
        byte[] elf = [.. shipped];
        Assert.True(ElfVersionNeeds.TryWeaken(elf, Wanted));
        Assert.Equal(1, elf.Zip(shipped).Count(pair => pair.First != pair.Second));
    }

    [Theory]
    [InlineData("linux-x64")]
    [InlineData("win-x64")]
    [InlineData("win-arm64")]
    [InlineData("osx-arm64")]
    public void MissingLibTorchNamesThePackage(string platform)
    {
        string sentence = LibTorchSharpLoader.MissingLibTorch(platform);
        Assert.Contains($"libtorch-cpu-{platform} {LibTorchSharpLoader.LibTorchVersion}", sentence, StringComparison.Ordinal);
        Assert.DoesNotContain("CUDA", sentence, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain('\n', sentence);
    }

    [Theory]
    [InlineData("linux-arm64")]
    [InlineData("linux-musl-x64")]
    [InlineData("osx-x64")]
    public void MissingLibTorchNamesNoPackageWhereThereIsNone(string platform)
    {
        string sentence = LibTorchSharpLoader.MissingLibTorch(platform);
        Assert.Contains($"no package of it for {platform}", sentence, StringComparison.Ordinal);
        Assert.DoesNotContain("libtorch-cpu", sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void LibTorchVersionIsTheOneTorchSharpAsksFor()
    {
        // A constant: reading it does not run torch's static constructor.
        var constant = typeof(torch).GetField("libtorchPackageVersion", BindingFlags.NonPublic | BindingFlags.Static);
        Assert.Equal(LibTorchSharpLoader.LibTorchVersion + ".0", constant?.GetRawConstantValue());
    }

    [Fact]
    public void EnsureLoadedMakesTorchUsableFromAnyThreadAndAgain()
    {
        Parallel.For(0, 8, _ => LibTorchSharpLoader.EnsureLoaded());
        using var ones = torch.ones(3);
        Assert.Equal(3, ones.NumberOfElements);
        Assert.False(Directory.Exists(Path.Combine(AppContext.BaseDirectory, "cpu")), "TorchSharp has copied its libraries.");
    }

    // One library, two needed versions: GLIBCXX_3.4.30, then GLIBCXX_3.4.32. Sections: null, .gnu.version_r, .dynstr.
    private static byte[] SharedObject()
    {
        byte[] elf = new byte[Length];
        "\u007fELF\u0002\u0001\u0001"u8.CopyTo(elf);
        Write64(40, SectionHeaders);
        Write16(58, 64);
        Write16(60, 3);

        Write16(Needs, 1);            // vn_version
        Write16(Needs + 2, 2);        // vn_cnt
        Write32(Needs + 4, 1);        // vn_file
        Write32(Needs + 8, 32);       // vn_aux: 16 bytes are left between, so that the offset is followed and not guessed
        Write32(Needs + 32 + 8, 16);  // vna_name
        Write32(Needs + 32 + 12, 16); // vna_next
        Write32(Needs + 48 + 8, 31);

        Encoding.ASCII.GetBytes("\0libstdc++.so.6\0GLIBCXX_3.4.30\0GLIBCXX_3.4.32\0").CopyTo(elf, Strings);

        Write32(NeedsHeader + 4, 0x6ffffffe);
        Write64(NeedsHeader + 24, Needs);
        Write64(NeedsHeader + 32, 64);
        Write32(NeedsHeader + 40, 2);
        Write32(StringsHeader + 4, 3);
        Write64(StringsHeader + 24, Strings);
        Write64(StringsHeader + 32, 64);
        return elf;

        void Write16(int at, ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(elf.AsSpan(at), value);
        void Write32(int at, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(elf.AsSpan(at), value);
        void Write64(int at, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(elf.AsSpan(at), value);
    }
}
