using System.Collections.Immutable;

namespace Microsoft.ML.ResNet;

/// <summary>
/// A network for one input shape and number of classes, layer by layer, in the order of computation: the one description that
/// the Torch network, the ONNX graph, the initial weights and the counters are made from.
/// </summary>
public sealed class LayerPlan
{
    private LayerPlan(ResNetArchitecture architecture, ImageShape input, int classCount, ImmutableArray<Layer> layers)
    {
        Architecture = architecture;
        Input = input;
        ClassCount = classCount;
        Layers = layers;
        Weights = [.. layers.SelectMany(layer => layer.Weights)];
    }

    /// <summary>Gets the row of the table that the plan was made from.</summary>
    /// <value>Never <see langword="null"/>.</value>
    public ResNetArchitecture Architecture { get; }

    /// <summary>Gets the shape of one input image.</summary>
    /// <value>Channels, height and width.</value>
    public ImageShape Input { get; }

    /// <summary>Gets the number of classes.</summary>
    /// <value>At least 1.</value>
    public int ClassCount { get; }

    /// <summary>Gets the layers in the order of computation: the image first, the head last.</summary>
    /// <value>A layer reads only layers before it.</value>
    public ImmutableArray<Layer> Layers { get; }

    /// <summary>Gets the tensors of the network.</summary>
    /// <value>In the order of PyTorch's state dictionary, without its <c>num_batches_tracked</c>.</value>
    public ImmutableArray<WeightSpec> Weights { get; }

    /// <summary>Gets the head, which turns features into logits.</summary>
    /// <value>The last layer.</value>
    public LinearLayer Head => (LinearLayer)Layers[^1];

    /// <summary>Gets the number of features that the head reads.</summary>
    /// <value>64 for the CIFAR networks, 512 for ResNet-18 and 34, 2048 for the deeper ones.</value>
    public int FeatureCount => Layers[Head.Inputs[0]].Output.Channels;

    /// <summary>Gets the number of trained values: running statistics are not among them.</summary>
    /// <value>As torchvision counts.</value>
    public long ParameterCount => Weights.Where(weight => weight.IsParameter).Sum(weight => (long)weight.Size);

    /// <summary>Gets the multiply-adds that one image costs, as the paper counts them: convolutions and the head.</summary>
    /// <value>About 1.8 G for ResNet-18 at 224×224.</value>
    public long MultiplyAdds => Layers.Sum(layer => layer.MultiplyAdds);

    /// <summary>Derives the layers of a network.</summary>
    /// <param name="architecture">The row of the table.</param>
    /// <param name="input">The shape of an input image; each side at least <see cref="ResNetArchitecture.MinimumImageSize"/>.</param>
    /// <param name="classCount">The number of classes; at least 1.</param>
    /// <returns>The plan.</returns>
    /// <exception cref="ArgumentException">The architecture has no stages, an empty stage or no width.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The image is too small, or a count is not positive.</exception>
    public static LayerPlan Create(ResNetArchitecture architecture, ImageShape input, int classCount)
    {
        ArgumentNullException.ThrowIfNull(architecture);
        ArgumentOutOfRangeException.ThrowIfLessThan(classCount, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(input.Channels, 1, nameof(input));
        if (architecture.Depths.IsDefaultOrEmpty || architecture.Depths.Any(depth => depth < 1) || architecture.BaseWidth < 1)
        {
            throw new ArgumentException($"Network '{architecture.Name}' needs a width of at least 1 and at least one stage, each with at least one block.", nameof(architecture));
        }

        if (Math.Min(input.Height, input.Width) < architecture.MinimumImageSize)
        {
            throw new ArgumentOutOfRangeException(nameof(input), input,
                $"{architecture.Name} halves its input {architecture.Halvings} times, so images must be at least {architecture.MinimumImageSize}×{architecture.MinimumImageSize} pixels, "
                + $"but they are {input.Height}×{input.Width}. Give a larger input shape, or take a network for small images, such as {ResNetArchitecture.ResNet20}.");
        }

        var builder = new Builder();
        builder.AddNetwork(architecture, input, classCount);
        return new LayerPlan(architecture, input, classCount, builder.Layers.ToImmutable());
    }

    /// <summary>Appends layers one after another; each method returns the index of the layer that holds its result.</summary>
    private sealed class Builder
    {
        /// <summary>How much wider a block's result is than its 3×3 convolutions (He et al., 2016, table 1).</summary>
        private const int BottleneckExpansion = 4;

        public ImmutableArray<Layer>.Builder Layers { get; } = ImmutableArray.CreateBuilder<Layer>();

        public void AddNetwork(ResNetArchitecture architecture, ImageShape input, int classCount)
        {
            var x = AddStem(architecture, Add(new ImageInputLayer(input)));
            for (var stage = 0; stage < architecture.Depths.Length; stage++)
            {
                for (var block = 0; block < architecture.Depths[stage]; block++)
                {
                    var stride = stage > 0 && block == 0 ? 2 : 1;
                    x = AddBlock($"layer{stage + 1}.{block}", architecture, x, width: architecture.BaseWidth << stage, stride);
                }
            }

            x = Add(new GlobalAveragePoolLayer("avgpool", x, Shape(x)));
            Add(new LinearLayer("fc", x, Shape(x), classCount));
        }

        private int AddStem(ResNetArchitecture architecture, int x)
        {
            var (kernel, stride) = architecture.Stem == StemKind.ImageNet ? (7, 2) : (3, 1);
            x = AddConvolution("conv1", "bn1", x, architecture.BaseWidth, kernel, stride);
            x = AddRelu("relu", x);
            return architecture.Stem == StemKind.ImageNet ? Add(new MaxPoolLayer("maxpool", x, Shape(x))) : x;
        }

        // y = relu(F(x) + shortcut(x)); He et al. (2016), equations 1 and 2.
        private int AddBlock(string name, ResNetArchitecture architecture, int x, int width, int stride)
        {
            var residual = architecture.Block == BlockKind.Basic
                ? AddBasic(name, x, width, stride)
                : AddBottleneck(name, x, width, stride, architecture.BottleneckStride);
            var y = architecture.Shortcut == ShortcutKind.None
                ? residual
                : Add(new AddLayer($"{name}.add", residual, AddShortcut(name, architecture.Shortcut, x, Shape(residual), stride), Shape(residual)));
            return AddRelu($"{name}.relu", y);
        }

        private int AddBasic(string name, int x, int width, int stride)
        {
            x = AddConvolution($"{name}.conv1", $"{name}.bn1", x, width, kernel: 3, stride);
            x = AddRelu($"{name}.relu1", x);
            return AddConvolution($"{name}.conv2", $"{name}.bn2", x, width, kernel: 3, stride: 1);
        }

        private int AddBottleneck(string name, int x, int width, int stride, BottleneckStride place)
        {
            var (first, middle) = place == BottleneckStride.First ? (stride, 1) : (1, stride);
            x = AddConvolution($"{name}.conv1", $"{name}.bn1", x, width, kernel: 1, first);
            x = AddRelu($"{name}.relu1", x);
            x = AddConvolution($"{name}.conv2", $"{name}.bn2", x, width, kernel: 3, middle);
            x = AddRelu($"{name}.relu2", x);
            return AddConvolution($"{name}.conv3", $"{name}.bn3", x, width * BottleneckExpansion, kernel: 1, stride: 1);
        }

        private int AddShortcut(string name, ShortcutKind kind, int x, ImageShape output, int stride)
        {
            var changes = Shape(x) != output;
            return kind switch
            {
                ShortcutKind.C => AddProjection(name, x, output, stride),
                ShortcutKind.B when changes => AddProjection(name, x, output, stride),
                ShortcutKind.A when changes => Add(new PaddedIdentityLayer($"{name}.shortcut", x, Shape(x), output, stride)),
                _ => x,
            };
        }

        private int AddProjection(string name, int x, ImageShape output, int stride) =>
            AddConvolution($"{name}.downsample.0", $"{name}.downsample.1", x, output.Channels, kernel: 1, stride);

        private int AddConvolution(string name, string batchNorm, int x, int channels, int kernel, int stride)
        {
            x = Add(new ConvolutionLayer(name, x, Shape(x), channels, kernel, stride));
            return Add(new BatchNormLayer(batchNorm, x, Shape(x)));
        }

        private int AddRelu(string name, int x) => Add(new ReluLayer(name, x, Shape(x)));

        private ImageShape Shape(int layer) => Layers[layer].Output;

        private int Add(Layer layer)
        {
            Layers.Add(layer);
            return Layers.Count - 1;
        }
    }
}
