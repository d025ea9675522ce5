namespace Microsoft.ML.ResNet;

/// <summary>How a network is written as an ONNX model. The defaults suit a service that sends decoded images.</summary>
public sealed record OnnxExportOptions
{
    /// <summary>Gets whether the input is bytes, as decoders give them, rather than floats.</summary>
    /// <value>The default is <see langword="null"/>: bytes, but floats for a network that was trained on float vectors.</value>
    public bool? ByteInput { get; init; }

    /// <summary>Gets the number of images per call.</summary>
    /// <value>The default is <see langword="null"/>: any number.</value>
    public int? BatchSize { get; init; }

    /// <summary>
    /// Gets whether the input is [batch, height, width, channels], as most image libraries have it, rather than [batch, channels, height,
    /// width].
    /// </summary>
    /// <value>The default is <see langword="false"/>.</value>
    public bool ChannelsLast { get; init; }

    /// <summary>
    /// Gets whether averaging, cropping and normalization are part of the model. Without them the input is the network's own, normalized
    /// floats.
    /// </summary>
    /// <value>The default is <see langword="true"/>.</value>
    public bool IncludePreprocessing { get; init; } = true;

    /// <summary>
    /// Gets whether batch normalization is folded into the convolutions before it: fewer operators, but weights that cannot be trained on.
    /// </summary>
    /// <value>
    /// The default is <see langword="false"/>: ONNX Runtime folds them itself when it loads the model. In a quantized network it is always
    /// folded.
    /// </value>
    public bool FoldBatchNorm { get; init; }

    /// <summary>
    /// Gets whether the output is probabilities, rather than logits: by a softmax, or by a sigmoid where an image has any number of labels.
    /// </summary>
    /// <value>The default is <see langword="true"/>.</value>
    public bool Softmax { get; init; } = true;
}
