using Microsoft.ML.ResNet.Files;

namespace Microsoft.ML.ResNet.Weights;

/// <summary>Where weights may already be: beside the program, put there by a package, or in the cache of downloads.</summary>
internal static class PretrainedWeights
{
    // By Microsoft.ML.DnnImageFeaturizer.ResNet18: it copies the folder to the output of whatever refers to it.
    private const string PackageFolder = "DnnImageModels";
    private const string PackageNetwork = "resnet18";
    private const string Package = "Microsoft.ML.DnnImageFeaturizer.ResNet18";

    private static readonly string NetworkFile = Path.Combine(PackageFolder, "ResNet18Onnx", "ResNet18.onnx");
    private static readonly string PreprocessingFile = Path.Combine(PackageFolder, "ResNetPrepOnnx", "ResNetPreprocess.onnx");

    /// <summary>Finds and loads weights.</summary>
    /// <param name="name">The name of a network or of published weights.</param>
    /// <param name="programFolder">The folder of the program.</param>
    /// <param name="cacheFolder">The folder of downloads; null for this user's.</param>
    public static ResNetWeights Find(string name, string programFolder, string? cacheFolder)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        name = name.Trim();
        var isPackaged = name.Equals(PackageNetwork, StringComparison.OrdinalIgnoreCase);
        if (isPackaged && FromPackage(programFolder) is { } packaged)
        {
            return packaged;
        }

        // torchvision's newer weights stand after the older ones in the table.
        PublishedWeights[] published = [.. PublishedWeights.All.Where(weights => IsNamed(weights, name)).Reverse()];
        if (published.Length == 0)
        {
            string[] names = [.. PublishedWeights.All.Select(weights => weights.Architecture.Name).Distinct()];
            throw new ArgumentException(
                $"There are no pretrained weights '{name}'. There are those of {string.Join(", ", names)}; "
                + "PublishedWeights.All lists them in full.", nameof(name));
        }

        cacheFolder ??= DownloadCache.DefaultFolder("weights");
        var found = published.FirstOrDefault(weights => IsDownloaded(weights, cacheFolder));
        return found is not null
            ? ResNetWeights.Download(found.Name, folder: cacheFolder)
            : throw new FileNotFoundException(
                $"The pretrained weights '{name}' are not on this machine: "
                + (isPackaged ? $"add the package {Package} to the program (dotnet add package {Package}), or " : "")
                + $"download them once, with ResNetWeights.Download(\"{published[0].Name}\").");
    }

    private static bool IsNamed(PublishedWeights weights, string name) =>
        weights.Name.Equals(name, StringComparison.OrdinalIgnoreCase)
        || weights.Architecture.Name.Equals(name, StringComparison.OrdinalIgnoreCase);

    private static bool IsDownloaded(PublishedWeights weights, string folder) =>
        Path.Combine(folder, weights.FileName) is var path && File.Exists(path) && weights.File.FindDifference(path) is null;

    private static ResNetWeights? FromPackage(string folder)
    {
        var (network, preprocessing) = (Path.Combine(folder, NetworkFile), Path.Combine(folder, PreprocessingFile));
        if (!File.Exists(network) || !File.Exists(preprocessing))
        {
            return null;
        }

        var weights = ResNetWeights.Load(network).WithPreprocessingFile(preprocessing);
        weights.Source = $"the package {Package}";
        return weights;
    }
}
