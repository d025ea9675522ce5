using System.Runtime.Intrinsics.X86;

namespace Microsoft.ML.ResNet.Trainers.Tests.Interop;

public sealed class ProcessorTests
{
    // Read off a Zen 3: 32 KiB of 8 ways, 64 sets and lines of 64 bytes; and a virtual machine that leaves the leaf empty.
    [Theory]
    [InlineData(0x01C0003F, 0x3F, 32 * 1024)]
    [InlineData(0, 0, 1)]
    public void AnEmptyLeafIsACacheOfOneByte(uint ebx, uint ecx, long bytes) => Assert.Equal(bytes, Processor.CacheSize(ebx, ecx));

    [Fact]
    public void TheNameAndTheInstructionSetsAreThoseThatDotNetSees()
    {
        Assert.NotEmpty(Processor.Name);
        Assert.Equal(Avx2.IsSupported, Processor.InstructionSets.Any(each => each is { Name: "AVX2", Present: true }));
        Assert.True(!Processor.HasTiles || Processor.HasBFloat16Products);
    }
}
