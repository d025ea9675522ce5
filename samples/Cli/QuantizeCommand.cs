using System.CommandLine;
using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Files;

namespace Cli;

/// <summary><c>quantize</c>: a network that computes in 8-bit integers.</summary>
internal static class QuantizeCommand
{
    public static Command Create()
    {
        var (network, images) = (new NetworkOptions(), new ImageInputs());
        var output = new Option<string>("--output", "-o")
        {
            Description = "The file to write: .zip for an ML.NET model, .onnx for an ONNX model. The .zip classifies as "
                + "any other. It holds integers: keep the model that it was made from, to train on, export or report.",
            Required = true,
            HelpName = "file",
        }.Named().EndsIn(".zip", ".onnx");
        var count = OptionValues.Whole("--image-count", "How many of the images are looked at, spread evenly.", least: 1,
            byDefault: new QuantizationOptions().ImageCount);
        var percentile = OptionValues.Positive("--percentile",
            "Which of the images' largest values still fits 8 bits, in percent of the images. 100: the largest of all.", most: 100,
                byDefault: new QuantizationOptions().Percentile);
        var fullRange = new Option<bool>("--full-range-weights")
        {
            Description = "Weights take 8 bits rather than 7: for processors with VNNI only.",
        };
        var test = new Option<string?>("--test")
        {
            Description = "Folder of images, one sub-folder per class, to tell the accuracy of both networks on.",
            HelpName = "folder",
        }.Named();
        var command = new Command("quantize",
            "Makes a network compute in 8-bit integers: a quarter of the size, and faster on processors with VNNI. IMAGES show which "
            + "values its layers take: some of the training images do. Needs no libtorch.");
        network.AddTo(command);
        images.AddTo(command);
        foreach (var option in (Option[])[output, test, count, percentile, fullRange])
        {
            command.Add(option);
        }

        return command.Runs((arguments, terminal, cancellation) =>
        {
            var path = OutputFile.Checked(arguments.GetValue(output)!);
            var reader = new ImageReader(maxPixels: null, exifOrientation: false, terminal, cancellation);
            var quantization = new QuantizationOptions
            {
                ImageCount = arguments.GetValue(count),
                Percentile = arguments.GetValue(percentile),
                FullRangeWeights = arguments.GetValue(fullRange),
            };
            var paths = Spread(images.List(arguments), quantization.ImageCount);
            UsageException.ThrowIf(paths.Contains(ImageInputs.StandardInput),
                "'resnet quantize' reads images from files, and not from standard input.");
            var labeled = arguments.GetValue(test) is { } folder ? LabeledImages.In(folder) : null;
            var source = network.Load(arguments, terminal, cancellation);
            labeled?.RefuseOtherClassesThan(source.NamedClasses, source.Source, source.ClassesAdvice);
            using var model = Classifier.Fit(new MLContext(), source);
            var isRead = new bool[paths.Length];
            reader.ForEach("checking images", paths, (index, _) => isRead[index] = true);
            var readable = paths.Where((_, index) => isRead[index]).ToArray();
            if (readable.Length == 0)
            {
                throw new InvalidDataException("None of the images can be read.");
            }

            labeled = labeled?.Readable("checking test images", reader);
            using var quantized = terminal.Track("quantizing", _ => model.Quantize(Decoded(readable), quantization));
            Save(quantized, path);
            var result = new
            {
                output = path,
                bytes = OutputFile.Length(path),
                architecture = source.Architecture.Name,
                images = readable.Length,
                failed = reader.Failed,
                accuracy = labeled is null ? (double?)null : Accuracy(model, labeled),
                quantizedAccuracy = labeled is null ? (double?)null : Accuracy(quantized, labeled),
            };
            terminal.Write(result, written =>
            {
                terminal.Say($"Wrote {written.architecture} in 8-bit integers to {path}, {written.bytes:n0} bytes, by "
                    + $"{written.images:n0} images.");
                if (written.accuracy is not null)
                {
                    terminal.WriteTable(["network", "accuracy"],
                        [["floats", Share(written.accuracy)], ["integers", Share(written.quantizedAccuracy)]]);
                }
            });
            return reader.ExitCode;
        });
    }

    private static string[] Spread(string[] paths, int count) => paths.Length <= count
        ? paths
        : [.. Enumerable.Range(0, count).Select(i => paths[(int)((long)i * paths.Length / count)])];

    private static IDataView Decoded(string[] paths)
    {
        var ml = new MLContext();
        var files = ml.Data.LoadFromEnumerable(paths.Select(path => new ImageFolderRow { ImagePath = path }));
        return ml.Transforms.LoadImages("Image", null, "ImagePath").Fit(files).Transform(files);
    }

    private static void Save(ResNetClassificationTransformer quantized, string path)
    {
        if (Path.GetExtension(path).Equals(".onnx", StringComparison.OrdinalIgnoreCase))
        {
            quantized.ExportOnnx(path);
            return;
        }

        var ml = new MLContext();
        var none = ml.Data.LoadFromEnumerable<ImageFolderRow>([]);
        var images = ml.Transforms.LoadImages("Image", null, "ImagePath").Fit(none);
        var chain = new TransformerChain<ITransformer>(images, quantized,
            ml.Transforms.Conversion.MapKeyToValue("PredictedLabelText", "PredictedLabel")
                .Fit(quantized.Transform(images.Transform(none))));
        WholeFile.Write(path, stream => ml.Model.Save(chain, none.Schema, stream));
    }

    private static double Accuracy(ResNetClassificationTransformer model, LabeledImages images)
    {
        var ml = new MLContext();
        var files = images.ToView(ml);
        var scored = model.Transform(ml.Transforms.LoadImages("Image", null, "ImagePath").Fit(files).Transform(files));
        var scores = ml.Data.CreateEnumerable<Scored>(scored, reuseRowObject: true, ignoreMissingColumns: true);
        return scores.Select(row => model.ClassNames[row.Score.IndexOf(row.Score.Max())])
            .Zip(images.Files, (name, file) => name == file.Label ? 1.0 : 0).Average();
    }

    private static string Share(double? value) => value?.ToString("p2", CultureInfo.InvariantCulture) ?? "-";

    private sealed class Scored
    {
        public float[] Score { get; set; } = [];
    }
}
