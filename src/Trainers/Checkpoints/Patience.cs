namespace Microsoft.ML.ResNet.Trainers.Checkpoints;

/// <summary>The best validation result so far, and how many epochs have passed without a better one.</summary>
internal sealed record Patience
{
    /// <summary>Gets the best result so far; null before the first.</summary>
    public EpochResult? Best { get; init; }

    /// <summary>Gets the number of epochs since the best one.</summary>
    public int EpochsSince { get; init; }

    /// <summary>Takes in the next epoch.</summary>
    public Patience After(EpochResult epoch, ValidationMetric metric) =>
        IsBetter(epoch, metric) ? new Patience { Best = epoch } : this with { EpochsSince = EpochsSince + 1 };

    /// <summary>Tells whether an epoch is better than the best so far.</summary>
    public bool IsBetter(EpochResult epoch, ValidationMetric metric)
    {
        if (Best is null)
        {
            return true;
        }

        var hasLowerLoss = epoch.ValidationLoss < Best.ValidationLoss;
        return metric == ValidationMetric.Loss
            ? hasLowerLoss
            : epoch.ValidationAccuracy > Best.ValidationAccuracy
                || (epoch.ValidationAccuracy == Best.ValidationAccuracy && hasLowerLoss);
    }
}
