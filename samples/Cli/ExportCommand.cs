using System.CommandLine;
using Microsoft.ML;
using Microsoft.ML.ResNet;

namespace Cli;

/// <summary><c>export</c>: a network as ONNX, or its weights as safetensors.</summary>
internal static class ExportCommand
{
    public static Command Create()
    {
        var (network, form) = (new NetworkOptions(), new OnnxOptions());
        var output = new Option<string>("--output", "-o") { Description = "The file to write: .onnx for the whole network, .safetensors for its weights.", Required = true, HelpName = "file" }.Named();
        var command = new Command("export", "Converts weights of any format to ONNX or safetensors. Needs no libtorch.");
        network.AddTo(command);
        command.Add(output);
        form.AddTo(command);
        return command.Runs((arguments, terminal, cancellation) =>
        {
            var path = OutputFile.Checked(arguments.GetValue(output)!);
            var write = Writer(path, form.Read(arguments));
            var source = network.Load(arguments, terminal, cancellation);
            write(source);
            terminal.Write(
                new { output = path, bytes = OutputFile.Length(path), architecture = source.Architecture.Name },
                result => terminal.Say($"Wrote {result.architecture} to {path}, {result.bytes:n0} bytes."));
            return ExitCode.Success;
        });
    }

    private static Action<Network> Writer(string path, OnnxExportOptions options) => Path.GetExtension(path).ToLowerInvariant() switch
    {
        ".safetensors" when options != new OnnxExportOptions() => throw new ArgumentException($"'{path}' holds weights alone: --batch-size, --channels-last and the like are for .onnx."),
        ".safetensors" => network => network.Documented.Save(path),
        ".onnx" => network =>
        {
            using var model = Classifier.Fit(new MLContext(), network);
            model.ExportOnnx(path, options);
        },
        _ => throw new ArgumentException($"'{path}' must end in .onnx or .safetensors, which says what is written."),
    };
}
