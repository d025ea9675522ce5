using System.Text.Json.Serialization;

namespace Benchmarks.Peers;

/// <summary>Images to score, for some seconds, after some to get warm.</summary>
/// <param name="Architecture">The network's name; its weights are random.</param>
/// <param name="ImageSize">Height and width of the images, in pixels.</param>
/// <param name="Classes">Number of classes.</param>
/// <param name="WarmUp">Seconds before the measurement.</param>
/// <param name="Seconds">Seconds of the measurement.</param>
internal sealed record ScoringWork(string Architecture, int ImageSize, int Classes, double WarmUp, double Seconds)
{
    /// <summary>
    /// Gets the rows of the warm-up of single rows, at least: .NET compiles a method anew after 30 calls, and once more after
    /// another 30, on a core that scoring would use.
    /// </summary>
    [JsonIgnore]
    public long WarmUpRows => Batch == 1 ? 100 : 0;

    /// <summary>Gets how rows are scored.</summary>
    public Way Way { get; init; }

    /// <summary>Gets whether rows hold images, rather than their pixels.</summary>
    public bool FromImages { get; init; }

    /// <summary>Gets the images per call of ONNX Runtime.</summary>
    /// <value>The default is 1.</value>
    public int Batch { get; init; } = 1;

    /// <summary>Gets the threads that score, each with a prediction engine of its own.</summary>
    /// <value>The default is 1.</value>
    public int Callers { get; init; } = 1;

    /// <summary>
    /// Gets whether ONNX Runtime has only the caller's thread for an image, as docs/deployment.md advises for as many callers as cores.
    /// </summary>
    public bool OneThreadPerCall { get; init; }

    /// <summary>Gets whether the network is quantized to 8-bit integers.</summary>
    public bool Quantized { get; init; }

    [JsonIgnore]
    public LayerPlan Plan => LayerPlan.Create(ResNetArchitecture.Parse(Architecture), new ImageShape(3, ImageSize, ImageSize), Classes);
}

/// <summary>How rows are scored.</summary>
internal enum Way
{
    /// <summary>By <c>model.Transform</c>, with a cursor over its result.</summary>
    Transform,

    /// <summary>By a prediction engine, one by one.</summary>
    PredictionEngine,
}

/// <summary>What came of scoring.</summary>
internal sealed record ScoringRate(double ImagesPerSecond);
