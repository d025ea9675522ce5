using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using System.Text;

namespace Microsoft.ML.ResNet.Trainers;

/// <summary>The CPU's name, its instruction sets, and what native kernels can do with them.</summary>
/// <remarks>
/// Bits of CPUID: Intel's Software Developer's Manual, volume 2A; AMD64 Architecture Programmer's Manual, volume 3, appendix E.
/// </remarks>
internal static class Processor
{
    /// <summary>Gets whether the CPU is of the x86 family.</summary>
    public static bool IsX86 { get; } = RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.X86;

    /// <summary>
    /// Gets whether an x86 CPU has instructions for products of bfloat16 numbers (AVX-512 BF16), and Torch uses them. It passes
    /// convolutions in bfloat16 to oneDNN only where there is AVX-512 with byte, word and vector-length instructions
    /// (mkldnn_bf16_device_check in ATen/native/mkldnn/Utils.h), and falls back to loops elsewhere that took twenty times as long as
    /// float32.
    /// </summary>
    public static bool HasBFloat16Products { get; } =
        X86Base.IsSupported && Avx512BW.VL.IsSupported && Avx512DQ.VL.IsSupported && Bit(X86Base.CpuId(7, 1).Eax, 5);

    /// <summary>Gets whether an x86 CPU multiplies tiles of bfloat16 numbers (AMX).</summary>
    public static bool HasTiles { get; } = HasBFloat16Products && Bit(X86Base.CpuId(7, 0).Edx, 22);

    /// <summary>Gets whether convolutions multiply faster in bfloat16 than in float32. On x86 the instructions tell; elsewhere it is taken
    /// to be so.</summary>
    public static bool MultipliesBFloat16Fast { get; } = !IsX86
        || (HasBFloat16Products && AreBFloat16ProductsFast(HasTiles, Vendor(), hasHalfPrecision: Bit(X86Base.CpuId(7, 0).Edx, 23)));

    /// <summary>Gets whether the CPU multiplies and adds bytes in one instruction.</summary>
    public static bool HasByteProducts { get; } =
        X86Base.IsSupported ? Bit(X86Base.CpuId(7, 0).Ecx, 11) || Bit(X86Base.CpuId(7, 1).Eax, 4) : Dp.IsSupported;

    /// <summary>
    /// Gets whether oneDNN believes that the CPU's caches have a size of one byte. On AMD's CPUs it reads the sizes from leaf 0x8000001D
    /// of CPUID without checking that the leaf exists, and some virtual machines leave it empty.
    /// </summary>
    public static bool HidesCaches { get; } = X86Base.IsSupported
        && Vendor() == "AuthenticAMD"
        && (CacheSize(0) == 1 || CacheSize(2) == 1 || CacheSize(3) == 1);

    /// <summary>Gets the CPU's name.</summary>
    /// <value>As the maker writes it into the CPU; the architecture where it is not x86.</value>
    public static string Name { get; } = X86Base.IsSupported ? BrandString() : RuntimeInformation.ProcessArchitecture.ToString();

    /// <summary>Gets the instruction sets that kernels choose by, each with whether the CPU has it.</summary>
    public static ImmutableArray<(string Name, bool Present)> InstructionSets { get; } =
        X86Base.IsSupported ? X86InstructionSets() : ArmInstructionSets();

    private static ImmutableArray<(string Name, bool Present)> X86InstructionSets()
    {
        var (_, ebx, ecx, edx) = X86Base.CpuId(7, 0);
        var eax1 = X86Base.CpuId(7, 1).Eax;
        return
        [
            ("AVX2", Avx2.IsSupported),
            ("FMA", Fma.IsSupported),
            ("AVX-512F", Bit(ebx, 16)),
            ("AVX-512 VNNI", Bit(ecx, 11)),
            ("AVX-VNNI", Bit(eax1, 4)),
            ("AVX-512 BF16", Bit(eax1, 5)),
            ("AMX-BF16", Bit(edx, 22)),
            ("AMX-INT8", Bit(edx, 25)),
        ];
    }

    private static ImmutableArray<(string Name, bool Present)> ArmInstructionSets() =>
        [("AdvSimd", AdvSimd.IsSupported), ("DotProd", Dp.IsSupported)];

    // Of the first level (0), of the second (2) or third (3).
    private static long CacheSize(int leaf)
    {
        var (_, ebx, ecx, _) = X86Base.CpuId(unchecked((int)0x8000001D), leaf);
        return CacheSize((uint)ebx, (uint)ecx);
    }

    /// <summary>
    /// Gets the size of a cache in bytes, as oneDNN computes it. One register holds the numbers of ways and partitions and the size of a
    /// line, the other the number of sets, each minus one; registers of zero therefore give one byte.
    /// </summary>
    internal static long CacheSize(uint ebx, uint ecx) =>
        (1L + (ebx >> 22)) * (1 + ((ebx >> 12) & 0x3FF)) * (1 + (ebx & 0xFFF)) * (1L + ecx);

    /// <summary>Tells whether products of bfloat16 numbers (AVX-512 BF16) are faster than those of floats.</summary>
    /// <remarks>
    /// Intel's cores with AVX-512 FP16 begin such an instruction, of 32 products, every second cycle, and two instructions of 16 products
    /// of floats in every cycle. For bfloat16 they have tiles, which some virtual machines hide. Measured in docs/PERFORMANCE.md.
    /// </remarks>
    /// <param name="hasTiles">Whether the CPU multiplies tiles.</param>
    /// <param name="vendor">The CPU's maker, as it calls itself.</param>
    /// <param name="hasHalfPrecision">Whether the CPU has AVX-512 FP16.</param>
    internal static bool AreBFloat16ProductsFast(bool hasTiles, string vendor, bool hasHalfPrecision) =>
        hasTiles || vendor != "GenuineIntel" || !hasHalfPrecision;

    private static string Vendor()
    {
        var (_, ebx, ecx, edx) = X86Base.CpuId(0, 0);
        return Text([ebx, edx, ecx]);
    }

    private static string BrandString()
    {
        var registers = new List<int>();
        for (var i = 0; i < 3; i++)
        {
            var (eax, ebx, ecx, edx) = X86Base.CpuId(unchecked((int)0x80000002) + i, 0);
            registers.AddRange([eax, ebx, ecx, edx]);
        }

        return Text(CollectionsMarshal.AsSpan(registers)).Trim('\0', ' ');
    }

    private static string Text(ReadOnlySpan<int> registers) => Encoding.ASCII.GetString(MemoryMarshal.AsBytes(registers));

    private static bool Bit(int register, int bit) => (register >> bit & 1) == 1;
}
