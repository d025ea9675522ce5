using System.CommandLine;
using System.Globalization;

namespace Cli;

/// <summary><c>inspect</c>: what is in a file of weights.</summary>
internal static class InspectCommand
{
    public static Command Create()
    {
        var model = new Argument<string>("model")
        {
            Description = "A model.zip of this library, .safetensors, .pt, .pth, .th or .onnx; or the name of published weights.",
        };
        var architecture = NetworkOptions.ArchitectureOption("The network, where the file does not say and its tensors fit several.");
        var layers = new Option<bool>("--layers") { Description = "Also every layer: its output, parameters and multiply-adds." };
        var weights = new Option<bool>("--weights") { Description = "Also every tensor: its shape and statistics." };
        var card = new Option<bool>("--card")
        {
            Description = "Only the model card, as Markdown: on what and how the network was trained, and what came of it. A quantized "
                + "model has one too.",
        };
        var command = new Command("inspect",
            "Tells the architecture, layers, parameters, multiply-adds and weights of a file. JSON always has all of them. Needs no "
            + "libtorch.")
        {
            model, architecture, layers, weights, card,
        };
        return command.Runs((arguments, terminal, cancellation) =>
        {
            var source = arguments.GetValue(model)!;
            if (arguments.GetValue(card))
            {
                WriteCard(source, terminal);
                return ExitCode.Success;
            }

            var inspection = Inspection.Of(source, NetworkOptions.Read(source, terminal, cancellation), arguments.GetValue(architecture));
            terminal.Write(inspection, result => WriteText(result, arguments.GetValue(layers), arguments.GetValue(weights), terminal));
            return ExitCode.Success;
        });
    }

    private static void WriteCard(string source, Terminal terminal)
    {
        var card = NetworkOptions.ReadCard(source);
        if (card is null)
        {
            terminal.Say($"'{source}' has no model card. Models have one that this library trained, saved as model.zip or as ONNX.");
        }

        terminal.Write(card, written => terminal.WriteText(written?.ToMarkdown() ?? ""));
    }

    private static void WriteText(Inspection result, bool layers, bool weights, Terminal terminal)
    {
        terminal.WriteTable(["property", "value"],
        [
            ["file", result.File],
            ["architecture", result.Architecture ?? "none that this library knows"],
            .. result.Candidates.Length > 1 ? [["tensors fit", string.Join(", ", result.Candidates)]] : Array.Empty<string[]>(),
            ["input", result.Input is { } input ? $"{input.Channels}×{input.Height}×{input.Width}" : "unknown"],
            ["classes", result.Classes?.ToString(CultureInfo.InvariantCulture) ?? "no head"],
            .. result.ClassNames.Length > 0
                ? [["class names", string.Join(", ", result.ClassNames.Take(10)) + (result.ClassNames.Length > 10 ? ", …" : "")]]
                : Array.Empty<string[]>(),
            [
                "preprocessing",
                result.Preprocessing is { } how
                    ? $"resized to {string.Join('×', how.ResizeTo)}, border {how.CropBorder}, supersampling {how.Supersampling}, "
                        + $"{(how.Mean.Length > 3 ? "mean image" : $"mean {Numbers(how.Mean)}")}, "
                        + $"deviation {Numbers(how.StandardDeviation)}"
                    : "unknown",
            ],
            ["parameters", Count(result.Parameters)],
            ["multiply-adds", result.MultiplyAdds is { } cost ? Count(cost) : "unknown"],
            ["tensors", Count(result.Tensors.Length)],
        ]);
        if (layers && result.Layers.Length > 0)
        {
            terminal.WriteTable(["layer", "kind", "output", "parameters", "multiply-adds"],
                result.Layers.Select(each =>
                    new[] { each.Name, each.Kind, string.Join('×', each.Output), Count(each.Parameters), Count(each.MultiplyAdds) }));
        }

        if (weights)
        {
            terminal.WriteTable(["tensor", "shape", "min", "max", "mean", "deviation"],
                result.Tensors.Select(each => new[] { each.Name, string.Join('×', each.Shape), Number(each.Min), Number(each.Max),
                    Number(each.Mean), Number(each.StandardDeviation) }));
        }
    }

    private static string Count(long count) => count.ToString("n0", CultureInfo.InvariantCulture);

    private static string Number(double value) => value.ToString("g4", CultureInfo.InvariantCulture);

    private static string Numbers(IEnumerable<float> values) => string.Join('/', values.Select(value => Number(value)));
}
