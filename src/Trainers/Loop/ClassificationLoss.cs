using Microsoft.ML.ResNet.Trainers.Augmentation;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.ResNet.Trainers.Loop;

/// <summary>The mean cross-entropy of a batch, in nats, with smoothed and mixed labels.</summary>
/// <param name="labelSmoothing">The share of each label that is spread over all classes.</param>
/// <param name="weighted">Whether examples weigh differently.</param>
internal sealed class ClassificationLoss(double labelSmoothing, bool weighted)
{
    /// <summary>The loss that a recipe trains with.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="weighted">Whether the data has weights.</param>
    public static ClassificationLoss ForTraining(TrainingRecipe recipe, bool weighted) =>
        new(recipe.LabelSmoothing, weighted || recipe.ClassBalance == ClassBalance.Weights);

    /// <summary>The plain cross-entropy, as ML.NET evaluates it.</summary>
    public static ClassificationLoss ForValidation(bool weighted) => new(labelSmoothing: 0, weighted);

    /// <summary>Computes the loss.</summary>
    /// <param name="logits">[count, classes].</param>
    /// <param name="batch">The labels, the weights, and how the images were mixed.</param>
    /// <returns>A scalar.</returns>
    public Tensor Of(Tensor logits, Batch batch)
    {
        var own = Of(logits, batch.Labels, batch.Weights);
        return batch.OwnShare == 1
            ? own
            : own.lerp(Of(logits, batch.Labels.roll(1, 0), batch.Weights.roll(1, 0)), 1 - batch.OwnShare);
    }

    // Weighted, it is the weighted mean. A batch of zero weights teaches nothing, and divides by nothing.
    private Tensor Of(Tensor logits, Tensor labels, Tensor weights)
    {
        if (!weighted)
        {
            return F.cross_entropy(logits, labels, label_smoothing: labelSmoothing);
        }

        using TorchSharp.Scalar least = float.Epsilon;
        var losses = F.cross_entropy(logits, labels, reduction: nn.Reduction.None, label_smoothing: labelSmoothing);
        return losses.mul(weights).sum() / weights.sum().clamp_min(least);
    }
}
