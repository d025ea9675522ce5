using Microsoft.ML.ResNet.Trainers.Augmentation;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Loop;

/// <summary>What a network learns to make small, and what counts as right. Owns the tensors that it keeps from step to step.</summary>
internal abstract class TrainingLoss : IDisposable
{
    /// <summary>The loss that a network is trained with.</summary>
    public static TrainingLoss ForTraining(TrainingSettings settings) =>
        settings.LabelSets is { } labelSets
            ? new LabelLoss(labelSets, settings.Recipe.LabelSmoothing, settings.HasExampleWeights, settings.LabelWeights, settings.Tensors)
            : new ClassificationLoss(settings.Recipe.LabelSmoothing, settings.HasClassOrExampleWeights);

    /// <summary>The plain cross-entropy, as networks are evaluated.</summary>
    public static TrainingLoss ForValidation(TrainingSettings settings) => settings.LabelSets is { } labelSets
        ? new LabelLoss(labelSets, labelSmoothing: 0, settings.HasExampleWeights, labelWeights: null, settings.Tensors)
        : new ClassificationLoss(labelSmoothing: 0, settings.HasExampleWeights);

    /// <summary>Computes the mean loss of a batch.</summary>
    /// <param name="logits">[count, classes].</param>
    /// <param name="batch">The labels, the weights, and how the images were mixed.</param>
    /// <returns>A scalar, in nats.</returns>
    public Tensor Of(Tensor logits, Batch batch)
    {
        var targets = Targets(batch);
        var own = Of(logits, targets, batch.Weights);
        return batch.OwnShare == 1
            ? own
            : own.lerp(Of(logits, targets.roll(1, 0), batch.Weights.roll(1, 0)), 1 - batch.OwnShare);
    }

    /// <summary>Counts the images of a batch that are right.</summary>
    /// <param name="logits">[count, classes].</param>
    /// <param name="batch">The labels.</param>
    /// <returns>A scalar.</returns>
    public abstract Tensor Correct(Tensor logits, Batch batch);

    public virtual void Dispose()
    {
    }

    /// <summary>Gets what the images shall be, with the images in the first dimension.</summary>
    protected abstract Tensor Targets(Batch batch);

    /// <summary>Computes the mean loss, weighted where examples weigh differently.</summary>
    protected abstract Tensor Of(Tensor logits, Tensor targets, Tensor weights);

    // A batch of zero weights teaches nothing, and divides by nothing.
    protected static Tensor WeightedMean(Tensor losses, Tensor weights)
    {
        using TorchSharp.Scalar least = float.Epsilon;
        return losses.mul(weights).sum() / weights.sum().clamp_min(least);
    }
}
