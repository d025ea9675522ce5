using System.Numerics.Tensors;

namespace Microsoft.ML.ResNet.Trainers.Compiled;

/// <summary>
/// The mean cross-entropy of a batch, in nats, with smoothed and mixed labels, and its gradient: what <see cref="StepBatch"/> describes.
/// </summary>
/// <param name="logits">The layer of the logits.</param>
/// <param name="classes">The classes.</param>
/// <param name="labelSmoothing">The share of each label that is spread over all classes.</param>
internal sealed unsafe class LossOperation(int logits, int classes, double labelSmoothing) : StepOperation
{
    private readonly ImageShape _shape = new(classes, 1, 1);

    public override void Forward(StepWorker worker)
    {
        var batch = worker.Batch;
        var gradients = worker.New(_shape, StepProgram.VectorType);
        var total = TotalWeight(batch);
        for (var i = 0; i < worker.Images; i++)
        {
            var own = worker.First + i;
            var other = (own == 0 ? batch.Count : own) - 1;
            var ownShare = batch.OwnShare * Weight(batch, own) / total;
            var otherShare = (1.0 - batch.OwnShare) * Weight(batch, other) / total;
            worker.Loss += Compute(
                new ReadOnlySpan<float>((float*)worker[logits].Data + (nint)i * classes, classes),
                new Span<float>((float*)gradients.Data + (nint)i * classes, classes),
                ((int)batch.Labels[own], ownShare),
                ((int)batch.Labels[other], otherShare),
                1.0 / batch.BatchesInStep,
                out var best);
            worker.Correct += best == batch.Labels[own] ? 1 : 0;
        }

        worker.AddGradient(logits, gradients);
    }

    public override void Backward(StepWorker worker)
    {
    }

    // A batch of zero weights teaches nothing, and divides by nothing.
    internal static double TotalWeight(StepBatch batch) => batch.Weights is null
        ? batch.Count
        : Math.Max(float.Epsilon, TensorPrimitives.Sum(new ReadOnlySpan<float>(batch.Weights, batch.Count)));

    internal static double Weight(StepBatch batch, int image) => batch.Weights is null ? 1 : batch.Weights[image];

    private double Compute(
        ReadOnlySpan<float> values,
        Span<float> gradient,
        (int Label, double Share) own,
        (int Label, double Share) other,
        double scale,
        out int best)
    {
        best = TensorPrimitives.IndexOfMax(values);
        double largest = values[best];
        var (sum, sumOfLogits) = (0.0, 0.0);
        foreach (var value in values)
        {
            sum += Math.Exp(value - largest);
            sumOfLogits += value;
        }

        var logSum = largest + Math.Log(sum);
        var share = own.Share + other.Share;
        var (spread, kept) = (labelSmoothing / classes, 1 - labelSmoothing);
        for (var c = 0; c < classes; c++)
        {
            var target = share * spread + (c == own.Label ? own.Share * kept : 0) + (c == other.Label ? other.Share * kept : 0);
            gradient[c] = (float)(scale * (share * Math.Exp(values[c] - logSum) - target));
        }

        // −log p of a class is the logarithm of the sum less its logit; the smoothed part is the mean over all classes.
        var ofOwn = kept * (logSum - values[own.Label]) + labelSmoothing * (logSum - sumOfLogits / classes);
        var ofOther = kept * (logSum - values[other.Label]) + labelSmoothing * (logSum - sumOfLogits / classes);
        return own.Share * ofOwn + other.Share * ofOther;
    }
}
