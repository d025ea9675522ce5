using Microsoft.ML.ResNet;

namespace Samples;

/// <summary>A network whose features a sample looks at.</summary>
internal sealed record FeatureNetwork(ResNetWeights Weights, ResNetArchitecture Architecture, ImagePreprocessing Preprocessing)
{
    /// <summary>Finds one.</summary>
    /// <param name="source">
    /// A file, or the name of published weights, which are downloaded once; null for the ResNet-18 of
    /// ImageNet that a package puts beside the program.
    /// </param>
    /// <param name="architecture">The name of the network, where the weights do not say which it is.</param>
    public static FeatureNetwork Find(string? source, string? architecture)
    {
        var weights = source is null
            ? ResNetWeights.Pretrained("resnet18")
            : File.Exists(source) ? ResNetWeights.Load(source) : ResNetWeights.Download(source);
        var row = architecture is null && weights.Architecture is { } own
            ? own
            : ResNetArchitecture.Parse(architecture ?? weights.ArchitectureName
                ?? throw new ArgumentException($"'{source}' does not say which network it is. Say it with --arch."));
        return new FeatureNetwork(
            weights,
            row,
            weights.Preprocessing ?? (row.Stem == StemKind.SmallImage ? ImagePreprocessing.Cifar10 : ImagePreprocessing.ImageNetV1));
    }
}
