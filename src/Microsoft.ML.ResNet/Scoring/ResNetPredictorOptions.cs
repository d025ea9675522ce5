using System.Collections.Immutable;
using Microsoft.ML.ResNet.Images;

namespace Microsoft.ML.ResNet;

/// <summary>
/// How a <see cref="ResNetPredictor"/> opens a model and reads images. The defaults suit a model that this library saved.
/// </summary>
public sealed record ResNetPredictorOptions
{
    /// <summary>Gets the most pixels of an image; one with more is a bad image.</summary>
    /// <value>
    /// 1 to 536,870,911. The default is <see langword="null"/>: 178,956,970, or a 32nd of the bytes of memory that the process may take,
    /// whichever is less.
    /// </value>
    public long? MaxImagePixels { get; init; }

    /// <summary>Gets whether a photograph is turned as its EXIF orientation says.</summary>
    /// <value>The default is <see langword="false"/>, as in ML.NET: score as the network was trained.</value>
    public bool ApplyExifOrientation { get; init; }

    /// <summary>Gets the threads that ONNX Runtime computes one call with.</summary>
    /// <value>
    /// The default is <see langword="null"/>: one for each core. A service with as many callers as cores is faster with 1.
    /// </value>
    public int? Threads { get; init; }

    /// <summary>Gets the network that weights belong to, where their file does not say it.</summary>
    /// <value>The default is <see langword="null"/>: what the file says.</value>
    public ResNetArchitecture? Architecture { get; init; }

    /// <summary>Gets how pixels become the input that weights were trained on, where their file does not say it.</summary>
    /// <value>The default is <see langword="null"/>: what the file says.</value>
    public ImagePreprocessing? Preprocessing { get; init; }

    /// <summary>Gets the names of the classes, in the order of the network's outputs.</summary>
    /// <value>The default is empty: those in the file, or 0, 1, 2, ….</value>
    public ImmutableArray<string> ClassNames { get; init; } = [];

    /// <summary>Gets whether a network must be made of a model's weights, since it is not to be run as it was saved.</summary>
    internal bool AsksForWeights => Architecture is not null || Preprocessing is not null || !ClassNames.IsDefaultOrEmpty;

    internal void Validate()
    {
        ImageDecoder.CheckMaxPixels(MaxImagePixels, nameof(MaxImagePixels));
        if (Threads < 1)
        {
            throw new ArgumentOutOfRangeException(nameof(Threads), Threads, $"Threads must be at least 1, or null, but is {Threads}.");
        }
    }
}
