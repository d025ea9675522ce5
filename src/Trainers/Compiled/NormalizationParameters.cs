namespace Microsoft.ML.ResNet.Trainers.Compiled;

/// <summary>The weights and statistics of a normalization, by where they lie, each of as many floats as channels.</summary>
internal readonly unsafe struct NormalizationParameters
{
    public required float* Weight { get; init; }

    public required float* Bias { get; init; }

    public required float* RunningMean { get; init; }

    public required float* RunningVariance { get; init; }

    public required float* WeightGradient { get; init; }

    public required float* BiasGradient { get; init; }

    /// <summary>Gets whether gradients are this process's, and are added up over all later.</summary>
    public required bool AreExchanged { get; init; }
}
