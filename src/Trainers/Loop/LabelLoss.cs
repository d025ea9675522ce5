using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Data;
using Microsoft.ML.ResNet.Trainers.Devices;
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
/// <param name="tensors">What makes tensors, on the network's device.</param>
internal sealed class LabelLoss(
    LabelSets labelSets, double labelSmoothing, bool weighted, LabelWeights? labelWeights, TensorFactory tensors)
    : TrainingLoss
{
    // Made once, and kept: every step multiplies by them.
    private readonly Tensor? _present = WeightsWhere(has: true, labelWeights, labelSets.LabelCount, tensors);
    private readonly Tensor? _absent = WeightsWhere(has: false, labelWeights, labelSets.LabelCount, tensors);

    public override Tensor Correct(Tensor logits, Batch batch)
    {
        using TorchSharp.Scalar zero = 0;
        return logits.gt(zero).eq(Truths(batch)).all(1).sum();
    }

    public override void Dispose()
    {
        _present?.Dispose();
        _absent?.Dispose();
    }

    protected override Tensor Targets(Batch batch)
    {
        using TorchSharp.Scalar kept = 1 - labelSmoothing, spread = labelSmoothing / 2;
        return Truths(batch).to(ScalarType.Float32).mul(kept).add(spread);
    }

    protected override Tensor Of(Tensor logits, Tensor targets, Tensor weights)
    {
        // Where labels weigh differently: −log p is softplus(−z), −log(1 − p) is softplus(z).
        var losses = _present is null || _absent is null
            ? F.binary_cross_entropy_with_logits(logits, targets, reduction: nn.Reduction.None)
            : _present * targets * F.softplus(logits.neg()) + _absent * (1 - targets) * F.softplus(logits);
        var sums = losses.sum(1);
        return weighted ? WeightedMean(sums, weights) : sums.mean();
    }

    private static Tensor? WeightsWhere(bool has, LabelWeights? weights, int labels, TensorFactory tensors) => weights is null
        ? null
        : tensors.Of([.. Enumerable.Range(0, labels).Select(label => weights[label, has])], labels).DetachFromDisposeScope();

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
