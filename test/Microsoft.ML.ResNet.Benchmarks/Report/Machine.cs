using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.ResNet.Trainers;
using TorchSharp;

namespace Benchmarks.Report;

/// <summary>What the figures were measured on.</summary>
internal static class Machine
{
    public static string ToMarkdown() => string.Join('\n',
        "| | |",
        "|---|---|",
        $"| CPU | {Processor.Name}; cores: {Environment.ProcessorCount} |",
        $"| vector extensions | {Extensions()} |",
        $"| memory | {Output.Megabytes(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes)} |",
        $"| system | {RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription} |",
        $"| TorchSharp, libtorch | {typeof(torch).Assembly.GetName().Version?.ToString(3)}, {LibTorchSharpLoader.LibTorchVersion} |",
        $"| ONNX Runtime | {OrtEnv.Instance().GetVersionString()} |",
        $"| PyTorch | {Peers.PyTorch.Version ?? "none"} |");

    private static string Extensions()
    {
        var sets = Processor.InstructionSets.ToLookup(each => each.Present, each => each.Name);
        return $"{string.Join(", ", sets[true].DefaultIfEmpty("none of these"))}; "
            + $"without: {string.Join(", ", sets[false].DefaultIfEmpty("none of these"))}";
    }
}
