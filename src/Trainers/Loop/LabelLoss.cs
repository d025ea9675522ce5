using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Data;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.ResNet.Trainers.Loop;

/// <summary>
/// The loss where an image has any number of labels: for each image, the sum of the labels' binary cross-entropies, in nats; of a batch,
/// the mean. An image is right if all of its labels are.
/// </summary>
/// <remarks>
/// A sum over labels, and not a mean: it is how unlikely an image's labels are, as cross-entropy is for one label, and a label's gradient
/// is as large as a class's. So a recipe's learning rates hold for both.
/// </remarks>
/// <param name="labelSets">The labels of each combination.</param>
/// <param name="labelSmoothing">The share of each label that is spread over its two values.</param>
/// <param name="weighted">Whether examples weigh differently.</param>
/// <param name="labelWeights">What labels count; null where all count the same.</param>
internal sealed class LabelLoss(LabelSets labelSets, double labelSmoothing, bool weighted, LabelWeights? labelWeights = null)
    : TrainingLoss
{
    public override Tensor Correct(Tensor logits, Batch batch)
    {
        using TorchSharp.Scalar zero = 0;
        return logits.gt(zero).eq(Truths(batch)).all(1).sum();
    }

    protected override Tensor Targets(Batch batch)
    {
        using TorchSharp.Scalar kept = 1 - labelSmoothing, spread = labelSmoothing / 2;
        return Truths(batch).to(ScalarType.Float32).mul(kept).add(spread);
    }

    protected override Tensor Of(Tensor logits, Tensor targets, Tensor weights)
    {
        var losses = labelWeights is null
            ? F.binary_cross_entropy_with_logits(logits, targets, reduction: nn.Reduction.None).sum(1)
            : Balanced(logits, targets, labelWeights).sum(1);
        return weighted ? WeightedMean(losses, weights) : losses.mean();
    }

    // −log p is softplus(−z), −log(1 − p) is softplus(z).
    private Tensor Balanced(Tensor logits, Tensor targets, LabelWeights weights)
    {
        var (present, absent) = (WeightsWhere(true), WeightsWhere(false));
        return present * targets * F.softplus(logits.neg()) + absent * (1 - targets) * F.softplus(logits);

        Tensor WeightsWhere(bool has) =>
            tensor(Enumerable.Range(0, labelSets.LabelCount).Select(label => weights[label, has]).ToArray());
    }

    private Tensor Truths(Batch batch)
    {
        var truths = new bool[batch.Count * labelSets.LabelCount];
        for (var image = 0; image < batch.Count; image++)
        {
            labelSets[batch.LabelValues[image]].CopyTo(truths.AsSpan(image * labelSets.LabelCount));
        }

        return batch.Tensors.Of(truths, batch.Count, labelSets.LabelCount);
    }
}
