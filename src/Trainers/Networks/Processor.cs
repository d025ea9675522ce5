using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace Microsoft.ML.ResNet.Trainers.Networks;

/// <summary>What the CPU's instructions let Torch's convolutions do.</summary>
/// <remarks>Bits of CPUID, leaf 7: Intel's Software Developer's Manual, volume 2A.</remarks>
internal static class Processor
{
    /// <summary>Gets whether the CPU is of the x86 family.</summary>
    public static bool IsX86 { get; } = RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.X86;

    /// <summary>
    /// Gets whether convolutions multiply bfloat16 numbers themselves. Torch hands them to oneDNN on x86 only where there is AVX-512 with byte, word and vector-length instructions
    /// (mkldnn_bf16_device_check in ATen/native/mkldnn/Utils.h), and elsewhere falls back to loops that took twenty times as long as float32.
    /// </summary>
    public static bool MultipliesBFloat16 { get; } = !IsX86 || (Avx512BW.VL.IsSupported && Avx512DQ.VL.IsSupported);

    /// <summary>Gets whether an x86 CPU has instructions for products of bfloat16 numbers (AVX-512 BF16), without which oneDNN converts them to float32 first.</summary>
    public static bool HasBFloat16Products { get; } = MultipliesBFloat16 && X86Base.IsSupported && Bit(X86Base.CpuId(7, 1).Eax, 5);

    /// <summary>Gets whether an x86 CPU multiplies tiles of bfloat16 numbers (AMX).</summary>
    public static bool HasTiles { get; } = HasBFloat16Products && Bit(X86Base.CpuId(7, 0).Edx, 22);

    private static bool Bit(int register, int bit) => (register >> bit & 1) == 1;
}
