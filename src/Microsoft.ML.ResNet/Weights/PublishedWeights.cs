using System.Collections.Immutable;
using System.Security.Cryptography;
using Microsoft.ML.ResNet.Files;

namespace Microsoft.ML.ResNet;

/// <summary>A published checkpoint: where it is, how it is recognised, and what it belongs to.</summary>
/// <param name="Name">The name to download it by: the network and what it was trained on, such as <c>resnet50.imagenet1k_v2</c>.</param>
/// <param name="Architecture">The network.</param>
/// <param name="Address">The file's address.</param>
/// <param name="Sha256Prefix">The first digits of the file's SHA-256, in lower-case hexadecimal. Publishers put eight of them into the
/// file's name, as PyTorch's hub checks them.</param>
/// <param name="Preprocessing">How pixels became the input in training.</param>
public sealed record PublishedWeights(
    string Name, ResNetArchitecture Architecture, Uri Address, string Sha256Prefix, ImagePreprocessing Preprocessing)
{
    /// <summary>Gets the table: torchvision's weights for ImageNet, and akamaster's for CIFAR-10.</summary>
    /// <value>In the order of <see cref="ResNetArchitecture.All"/>.</value>
    public static ImmutableArray<PublishedWeights> All { get; } =
    [
        ImageNetV1(ResNetArchitecture.ResNet18, "f37072fd"),
        ImageNetV1(ResNetArchitecture.ResNet34, "b627a593"),
        ImageNetV1(ResNetArchitecture.ResNet50, "0676ba61"),
        ImageNetV2(ResNetArchitecture.ResNet50, "11ad3fa6"),
        ImageNetV1(ResNetArchitecture.ResNet101, "63fe2227"),
        ImageNetV2(ResNetArchitecture.ResNet101, "cd907fc2"),
        ImageNetV1(ResNetArchitecture.ResNet152, "394f9c45"),
        ImageNetV2(ResNetArchitecture.ResNet152, "f82ba261"),
        ImageNetV1(ResNetArchitecture.ResNeXt50_32x4d, "7cdf4587"),
        ImageNetV2(ResNetArchitecture.ResNeXt50_32x4d, "1a0047aa"),
        ImageNetV1(ResNetArchitecture.ResNeXt101_32x8d, "8ba56ff5"),
        ImageNetV2(ResNetArchitecture.ResNeXt101_32x8d, "110c445d"),
        ImageNetV2(ResNetArchitecture.ResNeXt101_64x4d, "173b62eb"),
        ImageNetV1(ResNetArchitecture.WideResNet50_2, "95faca4d"),
        ImageNetV2(ResNetArchitecture.WideResNet50_2, "9ba9bcbe"),
        ImageNetV1(ResNetArchitecture.WideResNet101_2, "32ee1156"),
        ImageNetV2(ResNetArchitecture.WideResNet101_2, "d733dc28"),
        Cifar10(ResNetArchitecture.ResNet20, "12fca82f"),
        Cifar10(ResNetArchitecture.ResNet56, "4bfd9763"),
    ];

    /// <summary>Gets the name of the file.</summary>
    /// <value>The last part of <see cref="Address"/>.</value>
    public string FileName => File.FileName;

    internal PublishedFile File => new(Address, HashAlgorithmName.SHA256, Sha256Prefix);

    /// <summary>Finds published weights by their name.</summary>
    /// <param name="name">For example <c>resnet18.imagenet1k_v1</c>; case does not matter.</param>
    /// <returns>The row of the table.</returns>
    /// <exception cref="ArgumentException">There are none of that name; the message lists those there are.</exception>
    public static PublishedWeights Parse(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return All.FirstOrDefault(weights => weights.Name.Equals(name.Trim(), StringComparison.OrdinalIgnoreCase))
            ?? throw new ArgumentException(
                $"There are no published weights '{name}'. There are: {string.Join(", ", All.Select(weights => weights.Name))}.",
                nameof(name));
    }

    private static PublishedWeights ImageNetV1(ResNetArchitecture architecture, string hash) =>
        Torchvision(architecture, "imagenet1k_v1", hash, ImagePreprocessing.ImageNetV1);

    private static PublishedWeights ImageNetV2(ResNetArchitecture architecture, string hash) =>
        Torchvision(architecture, "imagenet1k_v2", hash, ImagePreprocessing.ImageNetV2);

    private static PublishedWeights Torchvision(
        ResNetArchitecture architecture, string recipe, string hash, ImagePreprocessing preprocessing) =>
        new(
            $"{architecture}.{recipe}",
            architecture,
            new Uri($"https://download.pytorch.org/models/{architecture}-{hash}.pth"),
            hash,
            preprocessing);

    private static PublishedWeights Cifar10(ResNetArchitecture architecture, string hash) =>
        new(
            $"{architecture}.cifar10",
            architecture,
            new Uri($"https://github.com/akamaster/pytorch_resnet_cifar10/raw/master/pretrained_models/{architecture}-{hash}.th"),
            hash,
            ImagePreprocessing.Cifar10);
}
