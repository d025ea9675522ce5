using System.Collections.Immutable;

namespace Microsoft.ML.ResNet;

/// <summary>
/// A network for one input shape and number of classes, layer by layer, in the order of computation: the one description that
/// the Torch network, the ONNX graph, the initial weights and the counters are made from.
/// </summary>
public sealed class LayerPlan
{
    private const string HeadName = "fc";

    /// <summary>The name of the head's matrix.</summary>
    internal const string HeadWeight = $"{HeadName}.weight";

    /// <summary>The name of the head's bias.</summary>
    internal const string HeadBias = $"{HeadName}.bias";

    private LayerPlan(ResNetArchitecture architecture, ImageShape input, int classCount, ImmutableArray<Layer> layers)
    {
        Architecture = architecture;
        Input = input;
        ClassCount = classCount;
        Layers = layers;
        Weights = [.. layers.SelectMany(layer => layer.Weights)];
        Readers = ReadersOf(layers);
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

    /// <summary>Gets, for each layer, the indices of those that read its result.</summary>
    /// <value>In order; none for the head.</value>
    internal ImmutableArray<ImmutableArray<int>> Readers { get; }

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
        var pooled = architecture.Transition == TransitionKind.Pooled;
        if (architecture.Depths.IsDefaultOrEmpty
            || architecture.Depths.Any(depth => depth < (pooled ? 0 : 1))
            || architecture.BaseWidth < 1)
        {
            throw new ArgumentException(
                $"Network '{architecture.Name}' needs a width of at least 1 and at least one stage, "
                + "each with at least one block (none where stages begin with pooling).", nameof(architecture));
        }

        if (pooled && architecture.Block != BlockKind.Basic)
        {
            throw new ArgumentException(
                $"Network '{architecture.Name}' has stages that begin with pooling and blocks of kind {architecture.Block}, "
                + $"but such stages are made of {BlockKind.Basic} blocks.", nameof(architecture));
        }

        if (architecture.Groups < 1
            || architecture.WidthPerGroup < 1
            || architecture.SqueezeReduction < 0
            || (!architecture.IsBottleneck && (architecture.Groups, architecture.WidthPerGroup) != (1, 64)))
        {
            throw new ArgumentException(
                $"Network '{architecture.Name}' needs at least 1 group, of width at least 1, and a squeeze reduction of 0 or more; "
                + "only bottlenecks can have groups or another width.", nameof(architecture));
        }

        if (Math.Min(input.Height, input.Width) < architecture.MinimumImageSize)
        {
            var (least, small) = (architecture.MinimumImageSize, ResNetArchitecture.ResNet20);
            var advice = Math.Min(input.Height, input.Width) < small.MinimumImageSize ? ""
                : $", or take a network for small images, such as {small}";
            throw new ArgumentOutOfRangeException(nameof(input), input,
                $"{architecture.Name} halves its input {architecture.Halvings} times, so images must be at least {least}×{least} pixels, "
                + $"but they are {input.Height}×{input.Width}. Give a larger InputShape{advice}.");
        }

        var builder = new Builder();
        builder.AddNetwork(architecture, input, classCount);
        return new LayerPlan(architecture, input, classCount, builder.Layers.ToImmutable());
    }

    /// <summary>Makes a plan of the head alone, which reads features as an image of one pixel.</summary>
    internal LayerPlan HeadOnly()
    {
        var features = new ImageShape(FeatureCount, 1, 1);
        var head = new LinearLayer(HeadName, 0, features, ClassCount).At(Head.Stage, block: 1);
        return new LayerPlan(Architecture, features, ClassCount, [new ImageInputLayer(features), head]);
    }

    private static ImmutableArray<ImmutableArray<int>> ReadersOf(ImmutableArray<Layer> layers)
    {
        var readers = layers.SelectMany((layer, index) => layer.Inputs.Select(input => (Read: input, Reader: index)))
            .ToLookup(edge => edge.Read, edge => edge.Reader);
        return [.. Enumerable.Range(0, layers.Length).Select(layer => readers[layer].ToImmutableArray())];
    }

    /// <summary>Appends layers one after another; each method returns the index of the layer that holds its result.</summary>
    private sealed class Builder
    {
        /// <summary>How much wider a block's result is than its 3×3 convolutions (He et al., 2016, table 1).</summary>
        private const int BottleneckExpansion = 4;

        private int _stage, _block; // of the layers that are added

        public ImmutableArray<Layer>.Builder Layers { get; } = ImmutableArray.CreateBuilder<Layer>();

        public void AddNetwork(ResNetArchitecture architecture, ImageShape input, int classCount)
        {
            var x = AddStem(architecture, Add(new ImageInputLayer(input)));
            var pooled = architecture.Transition == TransitionKind.Pooled;
            for (var stage = 0; stage < architecture.Depths.Length; stage++)
            {
                _stage++;
                var width = architecture.BaseWidth << (pooled ? stage + 1 : stage);
                x = pooled ? AddPooledTransition($"layer{stage + 1}.down", x, width) : x;
                for (var block = 0; block < architecture.Depths[stage]; block++)
                {
                    _block++;
                    var stride = !pooled && stage > 0 && block == 0 ? 2 : 1;
                    var name = $"layer{stage + 1}.{block}";
                    x = architecture.IsPreActivation
                        ? AddPreActivationBlock(name, architecture, x, width, stride)
                        : AddBlock(name, architecture, x, width, stride);
                }
            }

            _block++;
            if (architecture.IsPreActivation)
            {
                x = AddNormalizedRelu("norm", "relu_last", x);
            }

            _stage++;
            x = Add(new GlobalAveragePoolLayer("avgpool", x, Shape(x)));
            _block++;
            Add(new LinearLayer(HeadName, x, Shape(x), classCount));
        }

        private int AddStem(ResNetArchitecture architecture, int x)
        {
            var width = architecture.BaseWidth;
            x = architecture.Stem switch
            {
                StemKind.Deep => AddDeepStem(x, width),
                StemKind.ImageNet => AddConvolution("conv1", x, width, kernel: 7, stride: 2),
                _ => AddConvolution("conv1", x, width, kernel: 3, stride: 1),
            };
            if (!architecture.IsPreActivation)
            {
                x = AddNormalizedRelu("bn1", "relu", x);
            }

            return architecture.Stem == StemKind.SmallImage ? x : Add(new MaxPoolLayer("maxpool", x, Shape(x), kernel: 3));
        }

        // conv1 is a sequence in timm: convolution, normalization and activation, twice, and a convolution.
        private int AddDeepStem(int x, int width)
        {
            x = AddConvolution("conv1.0", x, width / 2, kernel: 3, stride: 2);
            x = AddNormalizedRelu("conv1.1", "conv1.2", x);
            x = AddConvolution("conv1.3", x, width / 2, kernel: 3, stride: 1);
            x = AddNormalizedRelu("conv1.4", "conv1.5", x);
            return AddConvolution("conv1.6", x, width, kernel: 3, stride: 1);
        }

        private int AddPooledTransition(string name, int x, int width)
        {
            _block++;
            x = AddConvolution($"{name}.conv", x, width, kernel: 3, stride: 1);
            x = AddNormalizedRelu($"{name}.bn", $"{name}.relu", x);
            return Add(new MaxPoolLayer($"{name}.pool", x, Shape(x), kernel: 2));
        }

        // y = relu(F(x) + shortcut(x)); He et al. (2016), equations 1 and 2.
        private int AddBlock(string name, ResNetArchitecture architecture, int x, int width, int stride)
        {
            var residual = x;
            foreach (var (index, convolution) in Convolutions(architecture, width, stride).Index())
            {
                if (index > 0)
                {
                    residual = AddRelu($"{name}.relu{index}", residual);
                }

                residual = AddConvolution(
                    $"{name}.conv{index + 1}", residual, convolution.Channels, convolution.Kernel, convolution.Stride, convolution.Groups);
                residual = AddBatchNorm($"{name}.bn{index + 1}", residual);
            }

            residual = AddSqueezeExcitation(name, architecture, residual);
            return AddRelu($"{name}.relu", AddShortcut(name, architecture, residual, x, x, stride));
        }

        // y = F(a) + shortcut, where a = relu(bn(x)); the identity passes x itself (Identity Mappings, equation 4).
        private int AddPreActivationBlock(string name, ResNetArchitecture architecture, int x, int width, int stride)
        {
            var activated = AddNormalizedRelu($"{name}.bn1", $"{name}.relu1", x);
            var residual = activated;
            foreach (var (index, convolution) in Convolutions(architecture, width, stride).Index())
            {
                if (index > 0)
                {
                    residual = AddNormalizedRelu($"{name}.bn{index + 1}", $"{name}.relu{index + 1}", residual);
                }

                residual = AddConvolution(
                    $"{name}.conv{index + 1}", residual, convolution.Channels, convolution.Kernel, convolution.Stride, convolution.Groups);
            }

            residual = AddSqueezeExcitation(name, architecture, residual);
            return AddShortcut(name, architecture, residual, x, activated, stride);
        }

        private static ConvolutionRow[] Convolutions(ResNetArchitecture architecture, int width, int stride)
        {
            if (!architecture.IsBottleneck)
            {
                return [new(width, Kernel: 3, stride), new(width, Kernel: 3)];
            }

            var (first, middle) = architecture.BottleneckStride == BottleneckStride.First ? (stride, 1) : (1, stride);
            var inner = width * architecture.WidthPerGroup / 64 * architecture.Groups;
            return
            [
                new(inner, Kernel: 1, first),
                new(inner, Kernel: 3, middle, architecture.Groups),
                new(width * BottleneckExpansion, Kernel: 1),
            ];
        }

        private int AddShortcut(string name, ResNetArchitecture architecture, int residual, int x, int projected, int stride)
        {
            if (architecture.Shortcut == ShortcutKind.None)
            {
                return residual;
            }

            var output = Shape(residual);
            var changes = Shape(x) != output;
            var shortcut = architecture.Shortcut switch
            {
                ShortcutKind.A when changes => Add(new PaddedIdentityLayer($"{name}.shortcut", x, Shape(x), output, stride)),
                ShortcutKind.B when changes => AddProjection(name, architecture, projected, output.Channels, stride),
                ShortcutKind.C => AddProjection(name, architecture, projected, output.Channels, stride),
                ShortcutKind.D when changes => AddPooledProjection(name, projected, output.Channels, stride),
                _ => x,
            };
            return Add(new AddLayer($"{name}.add", residual, shortcut, output));
        }

        private int AddProjection(string name, ResNetArchitecture architecture, int x, int channels, int stride)
        {
            x = AddConvolution($"{name}.downsample.0", x, channels, kernel: 1, stride);
            return architecture.IsPreActivation ? x : AddBatchNorm($"{name}.downsample.1", x);
        }

        private int AddPooledProjection(string name, int x, int channels, int stride)
        {
            x = stride == 1 ? x : Add(new AveragePoolLayer($"{name}.downsample.0", x, Shape(x)));
            x = AddConvolution($"{name}.downsample.1", x, channels, kernel: 1, stride: 1);
            return AddBatchNorm($"{name}.downsample.2", x);
        }

        private int AddSqueezeExcitation(string name, ResNetArchitecture architecture, int x)
        {
            if (architecture.SqueezeReduction == 0)
            {
                return x;
            }

            var shape = Shape(x);
            var gate = Add(new GlobalAveragePoolLayer($"{name}.se.pool", x, shape));
            var squeezed = Math.Max(1, shape.Channels / architecture.SqueezeReduction);
            gate = Add(new ConvolutionLayer($"{name}.se.fc1", gate, Shape(gate), squeezed, kernel: 1, stride: 1, hasBias: true));
            gate = AddRelu($"{name}.se.relu", gate);
            gate = Add(new ConvolutionLayer($"{name}.se.fc2", gate, Shape(gate), shape.Channels, kernel: 1, stride: 1, hasBias: true));
            gate = Add(new SigmoidLayer($"{name}.se.gate", gate, Shape(gate)));
            return Add(new ScaleLayer($"{name}.se", x, gate, shape));
        }

        private int AddConvolution(string name, int x, int channels, int kernel, int stride, int groups = 1) =>
            Add(new ConvolutionLayer(name, x, Shape(x), channels, kernel, stride, groups));

        private int AddBatchNorm(string name, int x) => Add(new BatchNormLayer(name, x, Shape(x)));

        private int AddNormalizedRelu(string batchNorm, string relu, int x) => AddRelu(relu, AddBatchNorm(batchNorm, x));

        private int AddRelu(string name, int x) => Add(new ReluLayer(name, x, Shape(x)));

        private ImageShape Shape(int layer) => Layers[layer].Output;

        private int Add(Layer layer)
        {
            Layers.Add(layer.At(_stage, _block));
            return Layers.Count - 1;
        }

        private readonly record struct ConvolutionRow(int Channels, int Kernel, int Stride = 1, int Groups = 1);
    }
}
