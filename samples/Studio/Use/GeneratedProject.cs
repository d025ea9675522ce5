using System.IO.Compression;
using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.ML.ResNet;
using Studio.Training;

namespace Studio.Use;

/// <summary>Makes the project that <c>dotnet new resnet-classifier</c> makes, with a trained model in it.</summary>
internal static partial class GeneratedProject
{
    /// <summary>Says where the packages of this library are, to the person who unpacks a project.</summary>
    public const string PackageSource =
        "They are not published yet: \"The packages\", in docs/getting-started.md of ResNet.MLNet, says how to build them, and how NuGet "
        + "finds them.";

    private const string Folder = "project/";
    private const string Name = "ImageClassifier";

    /// <summary>Writes it as a zip file.</summary>
    public static void Write(Stream stream, TrainingRun run, string modelPath)
    {
        using var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true);
        var assembly = Assembly.GetExecutingAssembly();
        foreach (var resource in assembly.GetManifestResourceNames().Where(name => name.StartsWith(Folder, StringComparison.Ordinal))
            .Order())
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!);
            var file = resource[Folder.Length..];
            Add(zip, file.Replace("ModelBuilder.csproj", $"{Name}.csproj", StringComparison.Ordinal),
                Content(file, reader.ReadToEnd(), run));
        }

        Add(zip, "README.md", Readme(run));
        zip.CreateEntryFromFile(modelPath, $"{Name}/MLModel.mlnet");
    }

    private static string Content(string file, string text, TrainingRun run) => Path.GetExtension(file) switch
    {
        ".cs" => SampleLines().Replace(text, "").Replace("ModelBuilder", Name, StringComparison.Ordinal),
        ".csproj" => SampleElements().Replace(text, "")
            .Replace("  <!--#if (!sample)\n", "", StringComparison.Ordinal).Replace("  #endif-->\n", "", StringComparison.Ordinal)
            .Replace("RESNET_VERSION", PackageVersions.ResNet, StringComparison.Ordinal)
            .Replace("ONNXRUNTIME_VERSION", PackageVersions.OnnxRuntime, StringComparison.Ordinal)
            .Replace("LIBTORCH_VERSION", PackageVersions.LibTorch, StringComparison.Ordinal)
            .Replace("<None Update=\"MLModel.mbconfig\"", "<None Update=\"MLModel.mbconfig;MLModel.mlnet\"", StringComparison.Ordinal),
        _ => text.Replace("data/shapes/train", "images", StringComparison.Ordinal)
            .Replace("\"resnet20\"", $"\"{NetworkOf(run)}\"", StringComparison.Ordinal)
            .Replace("\"ImageSize\": 32", $"\"ImageSize\": {run.Settings.ImageSize}", StringComparison.Ordinal)
            .Replace("\"Epochs\": 10", $"\"Epochs\": {run.Settings.Epochs}", StringComparison.Ordinal),
    };

    // A network that is in no table, as the pretrained one is, cannot be named there; training anew takes the nearest.
    private static string NetworkOf(TrainingRun run) => ResNetArchitecture.All.Any(each => each.Name == run.Settings.Network)
        ? run.Settings.Network
        : ResNetArchitecture.ResNet18.Name;

    private static string Readme(TrainingRun run) => $"""
        # {Name}

        A classifier of images with the classes {string.Join(", ", run.Classes)}. The trained model is MLModel.mlnet.

            dotnet run -- photo.jpg

        names the class of a photo, and the probability of each class.
        MLModel.consumption.cs is all that a program of yours needs, beside the model and two packages:
        Microsoft.ML.ResNet and Microsoft.ML.OnnxRuntime.
        To train again, put images in a folder for each class into "images", and delete MLModel.mlnet.
        The package Microsoft.ML.ResNet.Trainers is needed for that alone. Those of this library are in version {PackageVersions.ResNet}.
        {PackageSource}

        """;

    private static void Add(ZipArchive zip, string name, string text)
    {
        using var writer = new StreamWriter(zip.CreateEntry($"{Name}/{name}").Open());
        writer.Write(text.ReplaceLineEndings("\n"));
    }

    // What belongs to the sample alone stands between marks, as the template's engine reads them.
    [GeneratedRegex(@"^[ \t]*//#if \(sample\)\n.*?^[ \t]*//#endif\n", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex SampleLines();

    [GeneratedRegex(@"^[ \t]*<!--#if \(sample\)-->\n.*?^[ \t]*<!--#endif-->\n", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex SampleElements();
}
