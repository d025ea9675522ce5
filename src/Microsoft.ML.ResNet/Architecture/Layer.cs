using System.Collections.Immutable;

namespace Microsoft.ML.ResNet;

/// <summary>One operation of a network: what it reads, the shape that it makes, and the weights that it holds.</summary>
/// <remarks>
/// A layer names its inputs by their index in <see cref="LayerPlan.Layers"/>, and always reads earlier ones, so a backend
/// computes a network by walking the plan once, in order.
/// </remarks>
public abstract class Layer
{
    private protected Layer(string name, ImmutableArray<int> inputs, ImageShape output)
    {
        Name = name;
        Inputs = inputs;
        Output = output;
    }

    /// <summary>Gets the layer's name: the prefix of its weights in PyTorch's state dictionary, where it has weights.</summary>
    /// <value>For example <c>layer1.0.conv1</c>; unique within a plan.</value>
    public string Name { get; }

    /// <summary>Gets the indices of the layers whose results this one reads.</summary>
    /// <value>None for <see cref="ImageInputLayer"/>, two for <see cref="AddLayer"/> and <see cref="ScaleLayer"/>, one otherwise.</value>
    public ImmutableArray<int> Inputs { get; }

    /// <summary>Gets the shape of one image's result.</summary>
    /// <value>Channels, height and width; height and width are 1 after pooling.</value>
    public ImageShape Output { get; }

    /// <summary>Gets the tensors that the layer holds, in the order of PyTorch's state dictionary.</summary>
    /// <value>Empty for layers without weights.</value>
    public virtual ImmutableArray<WeightSpec> Weights => [];

    /// <summary>
    /// Gets the multiplications, each with an addition, that one image costs, as the paper counts: convolutions and the head only.
    /// </summary>
    /// <value>0 for other layers.</value>
    public virtual long MultiplyAdds => 0;

    /// <summary>Gets the stage that the layer is in.</summary>
    /// <value>
    /// 0 for the stem, then 1 for <c>layer1</c> and so on. A pre-activation network's last normalization is in its last stage; pooling and
    /// the head come after all stages, and have the number of stages and 1.
    /// </value>
    internal int Stage { get; private set; }

    /// <summary>Gets the block that the layer is in, counted from the image to the head.</summary>
    /// <value>
    /// 0 for the stem, then one more for each block and for each transition between stages that pools; then one for what follows the last
    /// stage, and the head's.
    /// </value>
    internal int Block { get; private set; }

    /// <summary>Says where the layer is; a plan does it once, when it takes the layer in.</summary>
    internal Layer At(int stage, int block)
    {
        (Stage, Block) = (stage, block);
        return this;
    }
}

/// <summary>The image, normalized: the first layer of every plan.</summary>
public sealed class ImageInputLayer : Layer
{
    internal ImageInputLayer(ImageShape shape) : base("input", [], shape)
    {
    }
}

/// <summary>A square convolution, zero-padded by half its kernel.</summary>
public sealed class ConvolutionLayer : Layer
{
    internal ConvolutionLayer(
        string name, int input, ImageShape inputShape, int outputChannels, int kernel, int stride, int groups = 1, bool hasBias = false)
        : base(name, [input], new ImageShape(outputChannels, Strided(inputShape.Height, stride), Strided(inputShape.Width, stride)))
    {
        Kernel = kernel;
        Stride = stride;
        Groups = groups;
        HasBias = hasBias;
        var weight = new WeightSpec(
            $"{name}.weight", WeightRole.ConvolutionWeight, [outputChannels, inputShape.Channels / groups, kernel, kernel]);
        Weights = hasBias ? [weight, new WeightSpec($"{name}.bias", WeightRole.ConvolutionBias, [outputChannels])] : [weight];
    }

    /// <summary>Gets the kernel's height and width in pixels.</summary>
    /// <value>1, 3 or 7.</value>
    public int Kernel { get; }

    /// <summary>Gets the step between results, in pixels, down and across.</summary>
    /// <value>1 or 2.</value>
    public int Stride { get; }

    /// <summary>Gets the groups that input and output channels fall into; a group of the output reads its own of the input only.</summary>
    /// <value>1 but for ResNeXt.</value>
    public int Groups { get; }

    /// <summary>Gets whether a bias is added.</summary>
    /// <value><see langword="false"/> wherever batch normalization follows.</value>
    public bool HasBias { get; }

    /// <summary>Gets the zeros added on each side, in pixels.</summary>
    /// <value>Half the kernel, rounded down.</value>
    public int Padding => Kernel / 2;

    /// <inheritdoc/>
    public override ImmutableArray<WeightSpec> Weights { get; }

    /// <inheritdoc/>
    public override long MultiplyAdds => (long)Weights[0].Size * Output.Height * Output.Width;

    // (size + 2·(k/2) − k) / stride + 1, for odd k.
    internal static int Strided(int size, int stride) => (size - 1) / stride + 1;
}

/// <summary>Batch normalization over each channel (Ioffe and Szegedy, 2015).</summary>
public sealed class BatchNormLayer : Layer
{
    /// <summary>Added to the variance before its root is taken: PyTorch's default.</summary>
    public const float Epsilon = 1e-5f;

    internal BatchNormLayer(string name, int input, ImageShape shape) : base(name, [input], shape) =>
        Weights =
        [
            new WeightSpec($"{name}.weight", WeightRole.BatchNormWeight, [shape.Channels]),
            new WeightSpec($"{name}.bias", WeightRole.BatchNormBias, [shape.Channels]),
            new WeightSpec($"{name}.running_mean", WeightRole.RunningMean, [shape.Channels]),
            new WeightSpec($"{name}.running_var", WeightRole.RunningVariance, [shape.Channels]),
        ];

    /// <inheritdoc/>
    public override ImmutableArray<WeightSpec> Weights { get; }
}

/// <summary>max(0, x). It is the only reader of its input, so a backend may compute it in place.</summary>
public sealed class ReluLayer : Layer
{
    internal ReluLayer(string name, int input, ImageShape shape) : base(name, [input], shape)
    {
    }
}

/// <summary>
/// Max pooling that halves the image: over 3×3 pixels in the stem, over 2×2 between the stages of <see cref="TransitionKind.Pooled"/>.
/// </summary>
public sealed class MaxPoolLayer : Layer
{
    internal MaxPoolLayer(string name, int input, ImageShape inputShape, int kernel)
        : base(name, [input], inputShape with { Height = Halved(inputShape.Height, kernel), Width = Halved(inputShape.Width, kernel) }) =>
        Kernel = kernel;

    /// <summary>The step between results in pixels.</summary>
    public const int Stride = 2;

    /// <summary>Gets the window's height and width in pixels.</summary>
    /// <value>3 or 2.</value>
    public int Kernel { get; }

    /// <summary>Gets the pixels added on each side; they never win.</summary>
    /// <value>1 around 3×3 windows, 0 around 2×2 windows.</value>
    public int Padding => PaddingOf(Kernel);

    private static int PaddingOf(int kernel) => (kernel - 1) / 2;

    private static int Halved(int size, int kernel) => (size + 2 * PaddingOf(kernel) - kernel) / Stride + 1;
}

/// <summary>
/// The shortcut of option A where dimensions change: every <see cref="Stride"/>-th pixel, with channels of zeros before and after.
/// </summary>
public sealed class PaddedIdentityLayer : Layer
{
    internal PaddedIdentityLayer(string name, int input, ImageShape inputShape, ImageShape output, int stride) : base(name, [input], output)
    {
        Stride = stride;
        ChannelsBefore = (output.Channels - inputShape.Channels) / 2;
        ChannelsAfter = output.Channels - inputShape.Channels - ChannelsBefore;
    }

    /// <summary>Gets the step between the pixels taken, down and across.</summary>
    /// <value>1 or 2.</value>
    public int Stride { get; }

    /// <summary>Gets the number of zero channels before the input's.</summary>
    /// <value>Half of the new channels, as in the widely used CIFAR checkpoints; the paper does not say where they go.</value>
    public int ChannelsBefore { get; }

    /// <summary>Gets the number of zero channels after the input's.</summary>
    /// <value>The other half.</value>
    public int ChannelsAfter { get; }
}

/// <summary>
/// The sum of a block's residual (first input) and its shortcut (second input). It is the only reader of the residual, so a
/// backend may add in place.
/// </summary>
public sealed class AddLayer : Layer
{
    internal AddLayer(string name, int residual, int shortcut, ImageShape shape) : base(name, [residual, shortcut], shape)
    {
    }
}

/// <summary>2×2 average pooling with stride 2, before the projection of option D. A last odd row or column is averaged by itself.</summary>
public sealed class AveragePoolLayer : Layer
{
    internal AveragePoolLayer(string name, int input, ImageShape inputShape)
        : base(name, [input], inputShape with { Height = (inputShape.Height + 1) / 2, Width = (inputShape.Width + 1) / 2 })
    {
    }

    /// <summary>The window's height and width, and the step between results, in pixels.</summary>
    public const int Kernel = 2;
}

/// <summary>1 / (1 + e⁻ˣ): turns squeeze-and-excitation's output into a share for each channel.</summary>
public sealed class SigmoidLayer : Layer
{
    internal SigmoidLayer(string name, int input, ImageShape shape) : base(name, [input], shape)
    {
    }
}

/// <summary>The product of feature maps (first input) with one number per channel (second input).</summary>
public sealed class ScaleLayer : Layer
{
    internal ScaleLayer(string name, int input, int gate, ImageShape shape) : base(name, [input, gate], shape)
    {
    }
}

/// <summary>The mean over height and width: the network's features, and what squeeze-and-excitation squeezes.</summary>
public sealed class GlobalAveragePoolLayer : Layer
{
    internal GlobalAveragePoolLayer(string name, int input, ImageShape inputShape)
        : base(name, [input], new ImageShape(inputShape.Channels, 1, 1))
    {
    }
}

/// <summary>The head: one logit per class.</summary>
public sealed class LinearLayer : Layer
{
    internal LinearLayer(string name, int input, ImageShape inputShape, int outputs) : base(name, [input], new ImageShape(outputs, 1, 1)) =>
        Weights =
        [
            new WeightSpec($"{name}.weight", WeightRole.LinearWeight, [outputs, inputShape.Channels]),
            new WeightSpec($"{name}.bias", WeightRole.LinearBias, [outputs]),
        ];

    /// <inheritdoc/>
    public override ImmutableArray<WeightSpec> Weights { get; }

    /// <inheritdoc/>
    public override long MultiplyAdds => Weights[0].Size;
}
