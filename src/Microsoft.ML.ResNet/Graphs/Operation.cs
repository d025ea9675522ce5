using System.Collections.Immutable;

namespace Microsoft.ML.ResNet.Graphs;

/// <summary>What a residual network is made of, read from a node: one operator, or what several of a file come to.</summary>
internal abstract record Operation(GraphNode Node, Signal Output)
{
    /// <summary>A convolution with zeros around the image, half a kernel wide.</summary>
    public sealed record Convolution(
        GraphNode Node, Signal Output, GraphConstant Filters, ReadOnlyMemory<float>? Bias, int Stride, int Groups)
        : Operation(Node, Output)
    {
        public int Kernel => Filters.Shape[2];

        public int Outputs => Filters.Shape[0];
    }

    /// <summary>A normalization by a running mean and variance, with ε of 1e-5.</summary>
    public sealed record Normalization(
        GraphNode Node,
        Signal Output,
        ReadOnlyMemory<float> Scale,
        ReadOnlyMemory<float> Shift,
        ReadOnlyMemory<float> Mean,
        ReadOnlyMemory<float> Variance) : Operation(Node, Output);

    /// <summary>scale · x + shift, with constants for each channel; or a shift for each pixel, as a mean image is.</summary>
    public sealed record Affine(GraphNode Node, Signal Output, float[] Scale, float[] Shift) : Operation(Node, Output)
    {
        public bool IsPerPixel => Shift.Length != Scale.Length;
    }

    /// <summary>max(0, x).</summary>
    public sealed record Relu(GraphNode Node, Signal Output) : Operation(Node, Output);

    /// <summary>Max pooling that halves the image, as the stem's (3×3) or a pooled transition's (2×2).</summary>
    public sealed record MaxPool(GraphNode Node, Signal Output, int Kernel) : Operation(Node, Output);

    /// <summary>Averages of squares side by side, or of the whole image.</summary>
    public sealed record AveragePool(GraphNode Node, Signal Output, int Kernel, bool IsGlobal) : Operation(Node, Output);

    /// <summary>The sum of two signals.</summary>
    public sealed record Sum(GraphNode Node, Signal Output, Signal First, Signal Second) : Operation(Node, Output);

    /// <summary>The product of feature maps with a number for each channel.</summary>
    public sealed record Scaled(GraphNode Node, Signal Output, Signal Maps, Signal Gate) : Operation(Node, Output);

    /// <summary>1 / (1 + e⁻ˣ).</summary>
    public sealed record Sigmoid(GraphNode Node, Signal Output) : Operation(Node, Output);

    /// <summary>Every so many pixels, from the first on.</summary>
    public sealed record Subsample(GraphNode Node, Signal Output, int Height, int Width) : Operation(Node, Output);

    /// <summary>The middle of an image.</summary>
    public sealed record Crop(GraphNode Node, Signal Output, int Border) : Operation(Node, Output);

    /// <summary>Channels of zeros before and after those that there are.</summary>
    public sealed record PadChannels(GraphNode Node, Signal Output, int Before, int After) : Operation(Node, Output);

    /// <summary>The same channels in another order: each result's channel is the one of the input that stands at its place.</summary>
    public sealed record Reorder(GraphNode Node, Signal Output, ImmutableArray<int> Sources) : Operation(Node, Output);

    /// <summary>A matrix [outputs, inputs] times the features.</summary>
    public sealed record Linear(GraphNode Node, Signal Output, float[] Matrix, ReadOnlyMemory<float>? Bias) : Operation(Node, Output);

    /// <summary>Logits to probabilities.</summary>
    public sealed record Softmax(GraphNode Node, Signal Output) : Operation(Node, Output);
}
