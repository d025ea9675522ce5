using Microsoft.ML.ResNet.Trainers.Augmentation;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.ResNet.Trainers.Loop;

/// <summary>The mean cross-entropy of a batch, in nats, with smoothed and mixed labels. An image is right by its likeliest class.</summary>
/// <param name="labelSmoothing">The share of each label that is spread over all classes.</param>
/// <param name="weighted">Whether examples weigh differently.</param>
internal sealed class ClassificationLoss(double labelSmoothing, bool weighted) : TrainingLoss
{
    public override Tensor Correct(Tensor logits, Batch batch) => logits.argmax(1).eq(batch.Labels).sum();

    protected override Tensor Targets(Batch batch) => batch.Labels;

    protected override Tensor Of(Tensor logits, Tensor targets, Tensor weights) => weighted
        ? WeightedMean(F.cross_entropy(logits, targets, reduction: nn.Reduction.None, label_smoothing: labelSmoothing), weights)
        : F.cross_entropy(logits, targets, label_smoothing: labelSmoothing);
}
