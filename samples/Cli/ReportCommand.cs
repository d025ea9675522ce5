using System.CommandLine;
using Microsoft.ML;
using Microsoft.ML.ResNet.Trainers;

namespace Cli;

/// <summary><c>report</c>: what a test of a network shows, as one HTML file.</summary>
internal static class ReportCommand
{
    public static Command Create()
    {
        var network = new NetworkOptions();
        var data = new Argument<string>("data")
        {
            Description = "Folder of images that the network was not trained on, one sub-folder per class.",
        };
        var output = new Option<string>("--output", "-o")
        {
            Description = "The HTML file to write.",
            DefaultValueFactory = _ => "report.html",
            HelpName = "file",
        }.Named();
        var title = new Option<string?>("--title") { Description = "The heading. [default: the network's name]" };
        var mistakes = OptionValues.Whole("--mistakes", "How many of the worst mistakes are shown.", least: 0, byDefault: 24);
        var command = new Command("report",
            "Tests a network and writes what there is to know about it as one HTML file. Curves of training are in the report of 'train "
            + "--report' only; without libtorch, what looks into the network is left out.");
        network.AddTo(command);
        command.Add(data);
        command.Add(output);
        command.Add(title);
        command.Add(mistakes);
        return command.Runs((arguments, terminal, cancellation) =>
        {
            var path = OutputFile.Checked(arguments.GetValue(output)!);
            var labeled = LabeledImages.In(arguments.GetValue(data)!);
            var source = network.Load(arguments, terminal, cancellation);
            labeled.RefuseOtherClassesThan(source.NamedClasses, source.Source, source.ClassesAdvice);
            var reader = new ImageReader(maxPixels: null, exifOrientation: false, terminal, cancellation);
            labeled = labeled.Readable("checking images", reader);
            var ml = new MLContext();
            var files = labeled.ToView(ml);
            using var model = Classifier.Fit(ml, source);
            var images = ml.Transforms.Conversion.MapValueToKey("Label")
                .Append(ml.Transforms.LoadImages("Image", null, "ImagePath"))
                .Fit(files)
                .Transform(files);
            var options = new ReportOptions
            {
                Title = arguments.GetValue(title),
                WorstMistakes = arguments.GetValue(mistakes),
                CancellationToken = cancellation,
            };
            if (!LibTorch.TryLoad())
            {
                terminal.Say("There is no libtorch: "
                    + "the report does not show where the network looked, how its layers respond, or what more views are worth.");
                options = options with { GradCam = false, LayerResponseImages = 0, TestTimeViews = [] };
            }

            terminal.Track("testing and writing", _ =>
            {
                model.WriteReport(path, images, options);
                return true;
            });
            terminal.Write(
                new { output = path, bytes = OutputFile.Length(path), images = labeled.Files.Length, failed = reader.Failed },
                result => terminal.Say($"Wrote {path} on {result.images:n0} images, {result.bytes:n0} bytes."));
            return reader.ExitCode;
        });
    }
}
