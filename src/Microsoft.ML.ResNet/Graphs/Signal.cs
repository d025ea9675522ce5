namespace Microsoft.ML.ResNet.Graphs;

/// <summary>What one operation hands to others: images, feature maps, or features as an image of one pixel.</summary>
/// <param name="shape">The shape of one image's part.</param>
/// <param name="isNonNegative">Whether no value is below zero, as after ReLU.</param>
internal sealed class Signal(ImageShape shape, bool isNonNegative = false)
{
    public ImageShape Shape => shape;

    public bool IsNonNegative => isNonNegative;

    /// <summary>Gets the operations that read it, in the order of the file.</summary>
    public List<Operation> Readers { get; } = [];

    /// <summary>Gets the only operation that reads it; null where there are none or several.</summary>
    public Operation? Reader => Readers.Count == 1 ? Readers[0] : null;
}

/// <summary>In which order a value's dimensions are.</summary>
internal enum GraphLayout
{
    /// <summary>Batch, channels, height, width.</summary>
    ChannelsFirst,

    /// <summary>Batch, height, width, channels.</summary>
    ChannelsLast,

    /// <summary>Batch, channels: one pixel.</summary>
    Flat,
}

/// <summary>Zeros around an image.</summary>
internal readonly record struct ZeroBorder(int Top, int Left, int Bottom, int Right)
{
    public bool IsEmpty => this == default;
}

/// <summary>A value that the graph names: a signal, and what the file did to it that is no operation of its own.</summary>
/// <param name="Signal">The signal.</param>
/// <param name="Layout">The order of its dimensions.</param>
/// <param name="Border">Zeros that were put around it, which the next window reads as its padding.</param>
/// <param name="Channel">The only channel that was taken of it; null for all.</param>
internal sealed record GraphValue(Signal Signal, GraphLayout Layout, ZeroBorder Border = default, int? Channel = null)
{
    public int ChannelAxis => Layout == GraphLayout.ChannelsLast ? 3 : 1;

    public int HeightAxis => Layout == GraphLayout.ChannelsLast ? 1 : 2;
}
