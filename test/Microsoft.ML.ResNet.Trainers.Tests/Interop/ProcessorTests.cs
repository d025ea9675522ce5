using System.Runtime.Intrinsics.X86;

namespace Microsoft.ML.ResNet.Trainers.Tests.Interop;

public sealed class ProcessorTests
{
    // Read off a Zen 3: 32 KiB of 8 ways, 64 sets and lines of 64 bytes; and a virtual machine that leaves the leaf empty.
    [Theory]
    [InlineData(0x01C0003F, 0x3F, 32 * 1024)]
    [InlineData(0, 0, 1)]
    public void AnEmptyLeafIsACacheOfOneByte(uint ebx, uint ecx, long bytes) => Assert.Equal(bytes, Processor.CacheSize(ebx, ecx));

    // By their products per cycle: AMD's Zen 4 and 5, Intel's Cooper Lake, and Sapphire Rapids with tiles and where they are hidden.
    [Theory]
    [InlineData("AuthenticAMD", false, false, true)]
    [InlineData("AuthenticAMD", false, true, true)]
    [InlineData("GenuineIntel", false, false, true)]
    [InlineData("GenuineIntel", true, true, true)]
    [InlineData("GenuineIntel", false, true, false)]
    public void IntelsProductsOfBFloat16AreSlowWhereTilesAreHidden(string vendor, bool hasTiles, bool hasHalfPrecision, bool areFast) =>
        Assert.Equal(areFast, Processor.AreBFloat16ProductsFast(hasTiles, vendor, hasHalfPrecision));

    [Fact]
    public void TheNameAndTheInstructionSetsAreThoseThatDotNetSees()
    {
        Assert.NotEmpty(Processor.Name);
        Assert.Equal(Avx2.IsSupported, Processor.InstructionSets.Any(each => each is { Name: "AVX2", Present: true }));
        Assert.True(!Processor.HasTiles || Processor.HasBFloat16Products);
    }
}
