using Microsoft.ML;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Files;
using Studio.Data;
using Studio.Training;

namespace Studio.Use;

/// <summary>Makes the forms in which a trained network is taken home. Each is made once, beside the run.</summary>
internal sealed class Downloads(RunStore store, ImageProject project, ImageCheck check, ModelCache models)
{
    private const int CalibrationImages = 128;

    private static readonly Dictionary<string, string> s_types = new()
    {
        ["model.zip"] = "application/zip",
        ["model.onnx"] = "application/octet-stream",
        ["model-int8.onnx"] = "application/octet-stream",
        ["model-int8.zip"] = "application/zip",
        ["model.safetensors"] = "application/octet-stream",
        ["report.html"] = "text/html; charset=utf-8",
        ["project.zip"] = "application/zip",
        ["service.zip"] = "application/zip",
    };

    /// <summary>Gets a file of a run, and makes it if it is not there.</summary>
    public (string Path, string Type) Get(string id, string file)
    {
        var run = store.Get(id);
        if (!s_types.TryGetValue(file, out var type))
        {
            throw new RefusedException($"There is no download '{file}': there are {string.Join(", ", s_types.Keys)}.",
                StatusCodes.Status404NotFound);
        }

        var path = store.PathOf(run.Id, file);
        if (!File.Exists(path))
        {
            Make(run, file, path);
        }

        return (path, type);
    }

    private void Make(TrainingRun run, string file, string path)
    {
        switch (file)
        {
            case "model.onnx":
                models.With(run, (_, network) => Done(() => network.ExportOnnx(path)));
                break;
            case "model.safetensors":
                models.With(run, (weights, _) => Done(() => weights.Save(path)));
                break;
            case "model-int8.onnx":
                models.With(run, (_, network) => Done(() =>
                {
                    using var quantized = Quantized(run, network);
                    quantized.ExportOnnx(path);
                }));
                break;
            case "model-int8.zip":
                models.With(run, (_, network) => Done(() =>
                {
                    using var quantized = Quantized(run, network);
                    var ml = new MLContext();
                    var none = ml.Data.LoadFromEnumerable<ImageFolderRow>([]);
                    var images = ml.Transforms.LoadImages("Image", null, "ImagePath").Fit(none);
                    WholeFile.Write(path, stream => ml.Model.Save(ImageRows.Chain(ml, images, quantized, none), none.Schema, stream));
                }));
                break;
            case "project.zip" when store.Has(run.Id, "model.zip"):
                WholeFile.Write(path, stream => GeneratedProject.Write(stream, run, store.PathOf(run.Id, "model.zip")));
                break;
            case "service.zip" when store.Has(run.Id, "model.zip"):
                WholeFile.Write(path, stream => GeneratedService.Write(stream, run, store.PathOf(run.Id, "model.zip")));
                break;
            default:
                throw new RefusedException($"{run.Id} has no {file}: its training did not end.", StatusCodes.Status409Conflict);
        }
    }

    // The ranges of the network's values are measured on images that it was trained on.
    private ResNetClassificationTransformer Quantized(TrainingRun run, ResNetClassificationTransformer network)
    {
        var images = (store.Read<RunImage[]>(run.Id, "images.json") ?? []).Where(image => !image.IsTest).ToArray();
        var step = Math.Max(1, images.Length / CalibrationImages);
        var paths = images.Where((_, index) => index % step == 0)
            .Select(image => project.Find(image.Image)).OfType<string>().Where(check.IsReadable).Select(project.PathOf).ToArray();
        return paths.Length > 0
            ? network.Quantize(ImageRows.Images(new MLContext(), paths))
            : throw new RefusedException(
                $"The images that {run.Id} was trained on are not there any more; 8-bit integers need some of them.");
    }

    private static bool Done(Action make)
    {
        make();
        return true;
    }
}
