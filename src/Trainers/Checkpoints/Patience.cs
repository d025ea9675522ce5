namespace Microsoft.ML.ResNet.Trainers.Checkpoints;

/// <summary>How long validation has not become better.</summary>
internal sealed record Patience
{
    /// <summary>Gets the best result so far; null before the first.</summary>
    public EpochResult? Best { get; init; }

    /// <summary>Gets the epochs since.</summary>
    public int EpochsSince { get; init; }

    /// <summary>Takes in the next epoch.</summary>
    public Patience After(EpochResult epoch, ValidationMetric metric) =>
        IsBetter(epoch, metric) ? new Patience { Best = epoch } : this with { EpochsSince = EpochsSince + 1 };

    /// <summary>Tells whether an epoch is better than the best so far.</summary>
    public bool IsBetter(EpochResult epoch, ValidationMetric metric) => Best is null || (metric == ValidationMetric.Loss
        ? epoch.ValidationLoss < Best.ValidationLoss
        : epoch.ValidationAccuracy > Best.ValidationAccuracy || (epoch.ValidationAccuracy == Best.ValidationAccuracy && epoch.ValidationLoss < Best.ValidationLoss));
}
