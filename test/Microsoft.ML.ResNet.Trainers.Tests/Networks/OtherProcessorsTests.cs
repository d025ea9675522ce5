using System.Diagnostics;
using System.Globalization;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Trainers.Tests.Networks;

/// <summary>Other CPUs, played by this one: Torch chooses its kernels by two variables, which processes of their own are given.</summary>
public sealed class OtherProcessorsTests
{
    [SkippableTheory]
    [InlineData("SSE41", "default")]
    [InlineData("AVX2", "avx2")]
    [InlineData("AVX512_CORE", "avx2")]
    [InlineData("AVX512_CORE_BF16", "avx512")]
    [InlineData("DEFAULT", "default")]
    public void EveryKindOfNetworkLearnsAndScoresAsItTrained(string oneDnn, string aten)
    {
        SkipIfMissing(oneDnn == "AVX2" ? "AVX2" : oneDnn == "AVX512_CORE" || aten == "avx512" ? "AVX-512F" : null);
        SkipIfMissing(oneDnn == "AVX512_CORE_BF16" ? "AVX-512 BF16" : null);

        var result = SampleProcess.Run(
            "dotnet", [Program, "networks"], environment: [("ONEDNN_MAX_CPU_ISA", oneDnn), ("ATEN_CPU_CAPABILITY", aten)]);

        AssertLearned(result);
    }

    // Some virtual machines on AMD's CPUs show no caches. The leaf of CPUID that oneDNN reads their sizes from is replaced,
    // in a copy of libtorch, by one that no CPU has.
    [SkippableFact]
    public void NetworksOfBottlenecksDoNotEndTheProcessWhereTheCachesAreHidden()
    {
        Skip.IfNot(
            OperatingSystem.IsLinux() && Processor.IsX86 && Processor.Name.Contains("AMD", StringComparison.Ordinal),
            "oneDNN reads that leaf on AMD's CPUs only.");
        using var folder = new TemporaryFolder();
        var program = CopyWithHiddenCaches(folder["program"]);

        var believing = SampleProcess.Run("dotnet", [program, "wide"]);
        var avoiding = SampleProcess.Run("dotnet", [program, "wide", "--avoid-pointwise"]);

        Assert.Equal(128 + 8, believing.ExitCode); // SIGFPE: so it is such a machine that is played
        Assert.Equal(0, avoiding.ExitCode);
        Assert.Contains("wide", avoiding.Output, StringComparison.Ordinal);
    }

    private static string Program => SampleProcess.Assembly("TrainingProcess", folder: "test");

    private static void SkipIfMissing(string? instructionSet) =>
        Skip.If(
            instructionSet is not null && !Processor.InstructionSets.Contains((instructionSet, true)),
            $"This CPU has no {instructionSet}.");

    // A line for each network: name, precision, accuracy in ONNX Runtime, largest difference from Torch's logits in units of their spread.
    private static void AssertLearned(ProcessResult result)
    {
        Assert.True(result.ExitCode == 0, $"Exit code {result.ExitCode}. {result.Error}");
        Assert.DoesNotContain("NNPACK", result.Error, StringComparison.Ordinal); // a line for each convolution, where it cannot start
        var lines = result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('\t')).ToArray();
        Assert.Equal(16, lines.Length);
        Assert.All(lines, line =>
        {
            Assert.InRange(Number(line[2]), 0.95, 1);
            Assert.InRange(Number(line[3]), 0, line[1] == "Float32" ? 1e-2 : 5e-2);
        });

        static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
    }

    private static string CopyWithHiddenCaches(string folder)
    {
        using (var copy = Process.Start("cp", ["-rL", "--reflink=auto", Path.GetDirectoryName(Program)!, folder]))
        {
            copy.WaitForExit();
            Assert.Equal(0, copy.ExitCode);
        }

        // mov r10d, 0x8000001D; …; cpuid
        ReadOnlySpan<byte> leaf = [0x41, 0xBA, 0x1D, 0x00, 0x00, 0x80];
        var library = Path.Combine(folder, "runtimes", "linux-x64", "native", "libtorch_cpu.so");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(library, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        using var file = File.Open(library, FileMode.Open, FileAccess.ReadWrite);
        var (block, at) = (new byte[1 << 20], 0L);
        for (var start = 0L; start < file.Length; start += block.Length - 64)
        {
            file.Position = start;
            var read = file.ReadAtLeast(block, block.Length, throwOnEndOfStream: false);
            if (block.AsSpan(0, read).IndexOf(leaf) is >= 0 and var found)
            {
                at = start + found + 2;
                break;
            }
        }

        Assert.NotEqual(0, at);
        file.Position = at;
        file.WriteByte(0x7D);
        return Path.Combine(folder, Path.GetFileName(Program));
    }
}
