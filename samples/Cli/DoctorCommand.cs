using System.CommandLine;
using System.Globalization;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Trainers;

namespace Cli;

/// <summary>
/// <c>doctor</c>: what to send with a report of a process that ended in a native library, or of a network that learns nothing.
/// </summary>
internal static class DoctorCommand
{
    public static Command Create()
    {
        var architecture = NetworkOptions.ArchitectureOption("The network whose convolutions are checked. [default: resnet50]");
        var size = OptionValues.Whole("--image-size",
            "The height and width of its images in pixels. [default: 32 for the networks of small images, 224 for others]", least: 1);
        var command = new Command("doctor",
            "Tells CPU, instruction sets and versions, and which convolutions this CPU computes right: what to send with a report of a "
            + "fault. Without libtorch it leaves out the convolutions.")
        {
            architecture, size,
        };
        return command.Runs((arguments, terminal, _) =>
        {
            var network = arguments.GetValue(architecture) ?? ResNetArchitecture.ResNet50;
            var side = arguments.GetValue(size) ?? (network.Stem == StemKind.SmallImage ? 32 : 224);
            TrainingOptions.CheckSize(side, network);
            var machine = TrainingDiagnostics.DescribeMachine();
            if (!terminal.WantsJson)
            {
                // before anything native runs
                terminal.WriteTable(["property", "value"], machine.Select(each => new[] { each.Key, each.Value }));
            }

            var convolutions = LibTorch.TryLoad() ? Check(network, side, terminal) : [];
            if (convolutions.Length == 0)
            {
                terminal.Say("There is no libtorch, so convolutions are not checked.");
            }

            var result = new
            {
                machine = machine.ToDictionary(each => each.Key, each => each.Value),
                network = network.Name,
                imageSize = side,
                convolutions,
            };
            terminal.Write(result, _ => WriteText(convolutions, terminal));
            return convolutions.Any(each => each.IsReplaced) ? ExitCode.Failure : ExitCode.Success;
        });
    }

    // Each line is written when it is known, so that the last one tells where a process ended.
    private static ConvolutionDiagnosis[] Check(ResNetArchitecture network, int side, Terminal terminal)
    {
        var all = new List<ConvolutionDiagnosis>();
        foreach (var precision in new[] { TrainingPrecision.Float32, TrainingPrecision.BFloat16 })
        {
            terminal.Say($"Checking {network.Name} at {side}×{side} pixels in {precision} …");
            foreach (var diagnosis in TrainingDiagnostics.CheckConvolutions(network, new ImageShape(3, side, side), precision))
            {
                if (!all.Contains(diagnosis)) // where the CPU multiplies no bfloat16 numbers, both are the same
                {
                    all.Add(diagnosis);
                    terminal.Say(
                        $"{diagnosis.Convolution}, {diagnosis.NumberType}: {(diagnosis.IsReplaced ? "WRONG, replaced" : "right")}");
                }
            }
        }

        return [.. all];
    }

    private static void WriteText(ConvolutionDiagnosis[] convolutions, Terminal terminal) => terminal.WriteTable(
        ["convolution", "numbers", "computed by", "error", ""],
        convolutions.Select(each => new[]
        {
            each.Convolution, each.NumberType, each.Method, each.Error.ToString("0.0e+0", CultureInfo.InvariantCulture),
            each.IsReplaced ? "instead of a wrong one" : "",
        }));
}
