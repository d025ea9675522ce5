using System.CommandLine;
using Microsoft.ML;
using Microsoft.ML.ResNet;

namespace Cli;

/// <summary><c>export</c>: a network as ONNX, or its weights as safetensors.</summary>
internal static class ExportCommand
{
    private const string Safetensors = ".safetensors";

    public static Command Create()
    {
        var (network, form) = (new NetworkOptions(), new OnnxOptions());
        var output = new Option<string>("--output", "-o")
        {
            Description = "The file to write: .onnx for the whole network, .safetensors for its weights.",
            Required = true,
            HelpName = "file",
        }.Named().EndsIn(".onnx", ".safetensors");
        var command = new Command("export", "Converts weights of any format to ONNX or safetensors. Needs no libtorch.");
        network.AddTo(command);
        command.Add(output);
        form.AddTo(command);
        command.Validators.Add(result =>
        {
            if (form.AreGiven(result) && result.GetResult(output) is { Tokens: [var file, ..] }
                && Path.GetExtension(file.Value).Equals(Safetensors, StringComparison.OrdinalIgnoreCase))
            {
                result.AddError($"--output is '{file.Value}', which holds weights alone: --batch-size, --channels-last and the like are "
                    + "for .onnx.");
            }
        });
        return command.Runs((arguments, terminal, cancellation) =>
        {
            var path = OutputFile.Checked(arguments.GetValue(output)!);
            var source = network.Load(arguments, terminal, cancellation);
            Write(source, path, form.Read(arguments));
            terminal.Write(
                new { output = path, bytes = OutputFile.Length(path), architecture = source.Architecture.Name },
                result => terminal.Say($"Wrote {result.architecture} to {path}, {result.bytes:n0} bytes."));
            return ExitCode.Success;
        });
    }

    private static void Write(Network network, string path, OnnxExportOptions options)
    {
        if (Path.GetExtension(path).Equals(Safetensors, StringComparison.OrdinalIgnoreCase))
        {
            network.Documented.Save(path);
            return;
        }

        using var model = Classifier.Fit(new MLContext(), network);
        model.ExportOnnx(path, options);
    }
}
