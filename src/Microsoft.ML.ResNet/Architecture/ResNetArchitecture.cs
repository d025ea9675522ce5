using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Microsoft.ML.ResNet;

/// <summary>
/// A network of the paper, as a row of a table: the block, how many of them per stage, how wide, and what the shortcut is.
/// <see cref="LayerPlan"/> turns a row into layers; Torch, ONNX and the counters all walk that plan.
/// </summary>
/// <remarks>
/// The published networks are static fields of this type. Variants are made with <c>with</c>:
/// <code>var stemless = ResNetArchitecture.ResNet18 with { Name = "resnet18_small", Stem = StemKind.SmallImage };</code>
/// </remarks>
/// <param name="Name">The network's name, as PyTorch spells it: <c>resnet50</c>.</param>
/// <param name="Block">The residual function of every block.</param>
/// <param name="Depths">Blocks per stage. Every stage but the first halves the image and doubles the width; with <see
/// cref="TransitionKind.Pooled"/> the first does, too.</param>
public sealed record ResNetArchitecture(string Name, BlockKind Block, ImmutableArray<int> Depths)
{
    // ImageNet, He et al. (2016), table 1. The shortcut is option B and the stride sits in the 3×3, as in torchvision.

    /// <summary>ResNet-18: 11.7 M parameters and 1.8 G multiply-adds for 1000 classes at 224×224.</summary>
    public static readonly ResNetArchitecture ResNet18 = new("resnet18", BlockKind.Basic, [2, 2, 2, 2]);

    /// <summary>ResNet-34: 21.8 M parameters and 3.6 G multiply-adds for 1000 classes at 224×224.</summary>
    public static readonly ResNetArchitecture ResNet34 = new("resnet34", BlockKind.Basic, [3, 4, 6, 3]);

    /// <summary>ResNet-50, v1.5: 25.6 M parameters and 4.1 G multiply-adds for 1000 classes at 224×224.</summary>
    public static readonly ResNetArchitecture ResNet50 = new("resnet50", BlockKind.Bottleneck, [3, 4, 6, 3]);

    /// <summary>ResNet-101, v1.5: 44.5 M parameters and 7.8 G multiply-adds for 1000 classes at 224×224.</summary>
    public static readonly ResNetArchitecture ResNet101 = new("resnet101", BlockKind.Bottleneck, [3, 4, 23, 3]);

    /// <summary>ResNet-152, v1.5: 60.2 M parameters and 11.5 G multiply-adds for 1000 classes at 224×224.</summary>
    public static readonly ResNetArchitecture ResNet152 = new("resnet152", BlockKind.Bottleneck, [3, 8, 36, 3]);

    /// <summary>The 18-layer plain network: <see cref="ResNet18"/> without shortcuts.</summary>
    public static readonly ResNetArchitecture Plain18 = ResNet18 with { Name = "plain18", Shortcut = ShortcutKind.None };

    /// <summary>The 34-layer plain network: <see cref="ResNet34"/> without shortcuts.</summary>
    public static readonly ResNetArchitecture Plain34 = ResNet34 with { Name = "plain34", Shortcut = ShortcutKind.None };

    // The paper's own bottlenecks, with the stride in the first 1×1.

    /// <summary>ResNet-50 as in the paper ("v1"): 3.8 G multiply-adds.</summary>
    public static readonly ResNetArchitecture ResNet50V1 = ResNet50 with
    {
        Name = "resnet50_v1",
        BottleneckStride = BottleneckStride.First,
    };

    /// <summary>ResNet-101 as in the paper ("v1"): 7.6 G multiply-adds.</summary>
    public static readonly ResNetArchitecture ResNet101V1 = ResNet101 with
    {
        Name = "resnet101_v1",
        BottleneckStride = BottleneckStride.First,
    };

    /// <summary>ResNet-152 as in the paper ("v1"): 11.3 G multiply-adds.</summary>
    public static readonly ResNetArchitecture ResNet152V1 = ResNet152 with
    {
        Name = "resnet152_v1",
        BottleneckStride = BottleneckStride.First,
    };

    // Xie et al. (2017), "Aggregated Residual Transformations", and Zagoruyko and Komodakis (2016), "Wide Residual Networks", as in
    // torchvision.

    /// <summary>ResNeXt-50, 32 groups of width 4: 25.0 M parameters.</summary>
    public static readonly ResNetArchitecture ResNeXt50_32x4d = ResNet50 with { Name = "resnext50_32x4d", Groups = 32, WidthPerGroup = 4 };

    /// <summary>ResNeXt-101, 32 groups of width 8: 88.8 M parameters.</summary>
    public static readonly ResNetArchitecture ResNeXt101_32x8d = ResNet101 with
    {
        Name = "resnext101_32x8d",
        Groups = 32,
        WidthPerGroup = 8,
    };

    /// <summary>ResNeXt-101, 64 groups of width 4: 83.5 M parameters.</summary>
    public static readonly ResNetArchitecture ResNeXt101_64x4d = ResNet101 with
    {
        Name = "resnext101_64x4d",
        Groups = 64,
        WidthPerGroup = 4,
    };

    /// <summary>Wide ResNet-50-2, its 3×3 convolutions twice as wide: 68.9 M parameters.</summary>
    public static readonly ResNetArchitecture WideResNet50_2 = ResNet50 with { Name = "wide_resnet50_2", WidthPerGroup = 128 };

    /// <summary>Wide ResNet-101-2, its 3×3 convolutions twice as wide: 126.9 M parameters.</summary>
    public static readonly ResNetArchitecture WideResNet101_2 = ResNet101 with { Name = "wide_resnet101_2", WidthPerGroup = 128 };

    // Pre-activation: He et al. (2016), "Identity Mappings in Deep Residual Networks".

    /// <summary>Pre-activation ResNet-18 ("v2").</summary>
    public static readonly ResNetArchitecture ResNet18V2 = ResNet18 with { Name = "resnet18_v2", Block = BlockKind.PreActivationBasic };

    /// <summary>Pre-activation ResNet-34 ("v2").</summary>
    public static readonly ResNetArchitecture ResNet34V2 = ResNet34 with { Name = "resnet34_v2", Block = BlockKind.PreActivationBasic };

    /// <summary>Pre-activation ResNet-50 ("v2").</summary>
    public static readonly ResNetArchitecture ResNet50V2 = ResNet50 with
    {
        Name = "resnet50_v2",
        Block = BlockKind.PreActivationBottleneck,
    };

    /// <summary>Pre-activation ResNet-101 ("v2").</summary>
    public static readonly ResNetArchitecture ResNet101V2 = ResNet101 with
    {
        Name = "resnet101_v2",
        Block = BlockKind.PreActivationBottleneck,
    };

    /// <summary>Pre-activation ResNet-152 ("v2").</summary>
    public static readonly ResNetArchitecture ResNet152V2 = ResNet152 with
    {
        Name = "resnet152_v2",
        Block = BlockKind.PreActivationBottleneck,
    };

    /// <summary>Pre-activation ResNet-200 ("v2").</summary>
    public static readonly ResNetArchitecture ResNet200V2 = new("resnet200_v2", BlockKind.PreActivationBottleneck, [3, 24, 36, 3]);

    // ResNet-D (He et al., 2019) and squeeze-and-excitation (Hu et al., 2018), under timm's names.

    /// <summary>ResNet-50-D: deep stem and average-pooled shortcuts; 25.6 M parameters.</summary>
    public static readonly ResNetArchitecture ResNet50D = ResNet50 with
    {
        Name = "resnet50d",
        Stem = StemKind.Deep,
        Shortcut = ShortcutKind.D,
    };

    /// <summary>ResNet-101-D: deep stem and average-pooled shortcuts; 44.6 M parameters.</summary>
    public static readonly ResNetArchitecture ResNet101D = ResNet101 with
    {
        Name = "resnet101d",
        Stem = StemKind.Deep,
        Shortcut = ShortcutKind.D,
    };

    /// <summary>SE-ResNet-50: squeeze-and-excitation in every block; 28.1 M parameters.</summary>
    public static readonly ResNetArchitecture SEResNet50 = ResNet50 with { Name = "seresnet50", SqueezeReduction = 16 };

    // CIFAR-10, He et al. (2016), section 4.2: 6n + 2 layers, option A.

    /// <summary>ResNet-20 for small images: 269,722 parameters and 40.6 M multiply-adds for 10 classes at 32×32.</summary>
    public static readonly ResNetArchitecture ResNet20 = Cifar("resnet20", n: 3);

    /// <summary>ResNet-32 for small images: 464,154 parameters and 68.9 M multiply-adds for 10 classes at 32×32.</summary>
    public static readonly ResNetArchitecture ResNet32 = Cifar("resnet32", n: 5);

    /// <summary>ResNet-44 for small images: 658,586 parameters and 97.2 M multiply-adds for 10 classes at 32×32.</summary>
    public static readonly ResNetArchitecture ResNet44 = Cifar("resnet44", n: 7);

    /// <summary>ResNet-56 for small images: 853,018 parameters and 125.5 M multiply-adds for 10 classes at 32×32.</summary>
    public static readonly ResNetArchitecture ResNet56 = Cifar("resnet56", n: 9);

    /// <summary>ResNet-110 for small images: 1,727,962 parameters and 252.9 M multiply-adds for 10 classes at 32×32.</summary>
    public static readonly ResNetArchitecture ResNet110 = Cifar("resnet110", n: 18);

    /// <summary>ResNet-1202 for small images: 19,421,274 parameters and 2.83 G multiply-adds for 10 classes at 32×32.</summary>
    public static readonly ResNetArchitecture ResNet1202 = Cifar("resnet1202", n: 200);

    /// <summary>
    /// ResNet-8 with four times the filters, stem included, for small images: 1,185,866 parameters and 190.5 M multiply-adds for 10 classes
    /// at 32×32. Not in the paper: few wide layers keep a CPU's vector units busier than many narrow ones, and learn more in the same time
    /// (Zagoruyko and Komodakis, 2016).
    /// </summary>
    public static readonly ResNetArchitecture WideResNet8_4 = Cifar("wide_resnet8_4", n: 1) with { BaseWidth = 64 };

    /// <summary>
    /// ResNet-9 for small images, half as wide as its author's: 1,646,122 parameters and 95.3 M multiply-adds for 10 classes at 32×32. Not
    /// in the paper: made to learn CIFAR-10 in as little computation as possible (Page, 2018; see <see cref="TransitionKind.Pooled"/>).
    /// <see cref="BaseWidth"/> 64 is his.
    /// </summary>
    public static readonly ResNetArchitecture ResNet9 = new("resnet9", BlockKind.Basic, [1, 0, 1])
    {
        Stem = StemKind.SmallImage,
        Transition = TransitionKind.Pooled,
        BaseWidth = 32,
    };

    /// <summary>The plain counterpart of <see cref="ResNet20"/>.</summary>
    public static readonly ResNetArchitecture Plain20 = ResNet20 with { Name = "plain20", Shortcut = ShortcutKind.None };

    /// <summary>The plain counterpart of <see cref="ResNet32"/>.</summary>
    public static readonly ResNetArchitecture Plain32 = ResNet32 with { Name = "plain32", Shortcut = ShortcutKind.None };

    /// <summary>The plain counterpart of <see cref="ResNet44"/>.</summary>
    public static readonly ResNetArchitecture Plain44 = ResNet44 with { Name = "plain44", Shortcut = ShortcutKind.None };

    /// <summary>The plain counterpart of <see cref="ResNet56"/>.</summary>
    public static readonly ResNetArchitecture Plain56 = ResNet56 with { Name = "plain56", Shortcut = ShortcutKind.None };

    /// <summary>The plain counterpart of <see cref="ResNet110"/>. The paper could not train it (section 4.2).</summary>
    public static readonly ResNetArchitecture Plain110 = ResNet110 with { Name = "plain110", Shortcut = ShortcutKind.None };

    /// <summary>The plain counterpart of <see cref="ResNet1202"/>. Not in the paper; do not expect it to train.</summary>
    public static readonly ResNetArchitecture Plain1202 = ResNet1202 with { Name = "plain1202", Shortcut = ShortcutKind.None };

    /// <summary>Gets every network of the table, in the order above.</summary>
    /// <value>Option A, B, C or D of each, and other variants, are made with <c>with</c>.</value>
    public static ImmutableArray<ResNetArchitecture> All { get; } =
    [
        ResNet18, ResNet34, ResNet50, ResNet101, ResNet152, Plain18, Plain34,
        ResNet50V1, ResNet101V1, ResNet152V1,
        ResNeXt50_32x4d, ResNeXt101_32x8d, ResNeXt101_64x4d, WideResNet50_2, WideResNet101_2,
        ResNet18V2, ResNet34V2, ResNet50V2, ResNet101V2, ResNet152V2, ResNet200V2,
        ResNet50D, ResNet101D, SEResNet50,
        ResNet20, ResNet32, ResNet44, ResNet56, ResNet110, ResNet1202, WideResNet8_4, ResNet9,
        Plain20, Plain32, Plain44, Plain56, Plain110, Plain1202,
    ];

    private static readonly FrozenDictionary<string, ResNetArchitecture> ByName =
        All.ToFrozenDictionary(architecture => architecture.Name, StringComparer.OrdinalIgnoreCase);

    /// <summary>Gets the layers before the first block.</summary>
    /// <value>The default is <see cref="StemKind.ImageNet"/>.</value>
    public StemKind Stem { get; init; } = StemKind.ImageNet;

    /// <summary>Gets what is added to each block's result.</summary>
    /// <value>The default is <see cref="ShortcutKind.B"/>.</value>
    public ShortcutKind Shortcut { get; init; } = ShortcutKind.B;

    /// <summary>Gets how stages begin.</summary>
    /// <value>The default is <see cref="TransitionKind.Strided"/>. <see cref="TransitionKind.Pooled"/> needs basic blocks.</value>
    public TransitionKind Transition { get; init; } = TransitionKind.Strided;

    /// <summary>Gets which convolution of a bottleneck halves the image. Basic blocks do it in their first one.</summary>
    /// <value>The default is <see cref="BottleneckStride.Middle"/>.</value>
    public BottleneckStride BottleneckStride { get; init; } = BottleneckStride.Middle;

    /// <summary>
    /// Gets the channels of the stem, and of the 3×3 convolutions in the first stage, which has twice as many where it begins with pooling.
    /// </summary>
    /// <value>The default is 64; the CIFAR networks have 16.</value>
    public int BaseWidth { get; init; } = 64;

    /// <summary>Gets the groups that the bottlenecks' 3×3 convolutions fall into (ResNeXt's cardinality).</summary>
    /// <value>The default is 1. Basic blocks have no groups.</value>
    public int Groups { get; init; } = 1;

    /// <summary>Gets the width of a group in the first stage, for a base width of 64.</summary>
    /// <value>The default is 64; with one group, 128 makes the 3×3 convolutions twice as wide.</value>
    public int WidthPerGroup { get; init; } = 64;

    /// <summary>Gets by how much squeeze-and-excitation narrows the channels between its two layers (Hu et al., 2018, section 3).</summary>
    /// <value>The default is 0: no squeeze-and-excitation. The paper has 16.</value>
    public int SqueezeReduction { get; init; }

    /// <summary>Gets whether blocks normalize and activate before their convolutions.</summary>
    internal bool IsPreActivation => Block is BlockKind.PreActivationBasic or BlockKind.PreActivationBottleneck;

    /// <summary>Gets whether blocks are made of 1×1, 3×3 and 1×1 convolutions.</summary>
    internal bool IsBottleneck => Block is BlockKind.Bottleneck or BlockKind.PreActivationBottleneck;

    /// <summary>Gets how often the network halves its input; an image must be at least 2 to this power on each side.</summary>
    /// <value>5 for the ImageNet networks, 2 for the CIFAR networks.</value>
    public int Halvings => Depths.Length - (Transition == TransitionKind.Pooled ? 0 : 1) + (Stem == StemKind.SmallImage ? 0 : 2);

    /// <summary>Gets the smallest height and width, in pixels, that leave the last stage at least one pixel.</summary>
    /// <value>32 for the ImageNet networks, 4 for the CIFAR networks.</value>
    public int MinimumImageSize => 1 << Halvings;

    /// <summary>Gets the image height and width that the network was published with.</summary>
    /// <value>32 with the small-image stem, 224 with the others.</value>
    public int DefaultImageSize => Stem == StemKind.SmallImage ? 32 : 224;

    /// <summary>Finds a network of the table by its name.</summary>
    /// <param name="name">For example <c>resnet20</c>; case does not matter.</param>
    /// <returns>The row of the table.</returns>
    /// <exception cref="ArgumentException">No network has that name; the message lists those there are.</exception>
    public static ResNetArchitecture Parse(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return ByName.TryGetValue(name.Trim(), out var architecture)
            ? architecture
            : throw new ArgumentException(
                $"There is no network '{name}'. There are: {string.Join(", ", All.Select(each => each.Name))}.", nameof(name));
    }

    /// <summary>Tells whether another network has the same layers, whatever both are called.</summary>
    internal bool IsSameButForName(ResNetArchitecture other) =>
        Depths.AsSpan().SequenceEqual(other.Depths.AsSpan()) && IsSameButForDepths(other);

    /// <summary>Tells whether another network has the same blocks, though perhaps other numbers of them, and another name.</summary>
    internal bool IsSameButForDepths(ResNetArchitecture other) => this with { Name = other.Name, Depths = other.Depths } == other;

    /// <summary>Returns the network's name.</summary>
    /// <returns><see cref="Name"/>.</returns>
    public override string ToString() => Name;

    private static ResNetArchitecture Cifar(string name, int n) =>
        new(name, BlockKind.Basic, [n, n, n]) { Stem = StemKind.SmallImage, Shortcut = ShortcutKind.A, BaseWidth = 16 };
}
