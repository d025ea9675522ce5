using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using System.Text;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.ResNet.Trainers;
using TorchSharp;

namespace Benchmarks.Report;

/// <summary>What the figures were measured on.</summary>
internal static class Machine
{
    /// <summary>Gets whether the CPU multiplies and adds bytes in one instruction.</summary>
    public static bool HasVnni { get; } = X86Base.IsSupported ? Bit(X86Base.CpuId(7, 0).Ecx, 11) || Bit(X86Base.CpuId(7, 1).Eax, 4) : Dp.IsSupported;

    public static string ToMarkdown() => string.Join('\n',
        "| | |",
        "|---|---|",
        $"| CPU | {Processor()}; cores: {Environment.ProcessorCount} |",
        $"| vector extensions | {Extensions()} |",
        $"| memory | {Output.Megabytes(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes)} |",
        $"| system | {RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription} |",
        $"| TorchSharp, libtorch | {typeof(torch).Assembly.GetName().Version?.ToString(3)}, {LibTorchSharpLoader.LibTorchVersion} |",
        $"| ONNX Runtime | {OrtEnv.Instance().GetVersionString()} |",
        $"| PyTorch | {Peers.PyTorch.Version ?? "none"} |");

    private static string Processor() => X86Base.IsSupported ? BrandString() : RuntimeInformation.ProcessArchitecture.ToString();

    private static string Extensions()
    {
        if (!X86Base.IsSupported)
        {
            return Dp.IsSupported ? "AdvSimd, DotProd" : AdvSimd.IsSupported ? "AdvSimd" : "none that is known here";
        }

        // Intel's manual, volume 2A, CPUID: leaf 7, sub-leaves 0 and 1.
        var (_, ebx, ecx, edx) = X86Base.CpuId(7, 0);
        var eax1 = X86Base.CpuId(7, 1).Eax;
        (string Name, bool Present)[] known =
        [
            ("AVX2", Avx2.IsSupported), ("FMA", Fma.IsSupported), ("AVX-512F", Bit(ebx, 16)), ("AVX-512 VNNI", Bit(ecx, 11)), ("AVX-VNNI", Bit(eax1, 4)),
            ("AVX-512 BF16", Bit(eax1, 5)), ("AMX-BF16", Bit(edx, 22)), ("AMX-INT8", Bit(edx, 25)),
        ];
        var sets = known.ToLookup(each => each.Present, each => each.Name);
        return $"{string.Join(", ", sets[true])}; without: {string.Join(", ", sets[false].DefaultIfEmpty("none of these"))}";
    }

    private static bool Bit(int register, int bit) => (register >> bit & 1) == 1;

    private static string BrandString()
    {
        Span<int> registers = stackalloc int[12];
        for (var i = 0; i < 3; i++)
        {
            var (eax, ebx, ecx, edx) = X86Base.CpuId(unchecked((int)0x80000002) + i, 0);
            ((ReadOnlySpan<int>)[eax, ebx, ecx, edx]).CopyTo(registers[(4 * i)..]);
        }

        return Encoding.ASCII.GetString(MemoryMarshal.AsBytes(registers)).Trim('\0', ' ');
    }
}
