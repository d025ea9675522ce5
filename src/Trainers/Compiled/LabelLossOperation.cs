using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Compiled;

/// <summary>
/// The loss where an image has any number of labels, and its gradient: for each image, the sum of the labels' binary cross-entropies, in
/// nats; of a batch, the mean. Labels are smoothed, mixed and weighted as <see cref="LossOperation"/> does it.
/// </summary>
/// <param name="logits">The layer of the logits.</param>
/// <param name="labelSets">The labels of each combination.</param>
/// <param name="labelSmoothing">The share of each label that is spread over its two values.</param>
/// <param name="labelWeights">What labels count; null where all count the same.</param>
internal sealed unsafe class LabelLossOperation(int logits, LabelSets labelSets, double labelSmoothing, LabelWeights? labelWeights)
    : StepOperation
{
    private readonly int _labels = labelSets.LabelCount;
    private readonly ImageShape _shape = new(labelSets.LabelCount, 1, 1);

    public override void Forward(StepWorker worker)
    {
        var batch = worker.Batch;
        var gradients = worker.New(_shape, StepProgram.VectorType);
        var total = LossOperation.TotalWeight(batch);
        for (var i = 0; i < worker.Images; i++)
        {
            var own = worker.First + i;
            var other = (own == 0 ? batch.Count : own) - 1;
            worker.Loss += Compute(
                new ReadOnlySpan<float>((float*)worker[logits].Data + (nint)i * _labels, _labels),
                new Span<float>((float*)gradients.Data + (nint)i * _labels, _labels),
                new Labels(labelSets[batch.Labels[own]], batch.OwnShare * LossOperation.Weight(batch, own) / total),
                new Labels(labelSets[batch.Labels[other]], (1.0 - batch.OwnShare) * LossOperation.Weight(batch, other) / total),
                1.0 / batch.BatchesInStep,
                out var isRight);
            worker.Correct += isRight ? 1 : 0;
        }

        worker.AddGradient(logits, gradients);
    }

    public override void Backward(StepWorker worker)
    {
    }

    private double Compute(
        ReadOnlySpan<float> values, Span<float> gradient, Labels own, Labels other, double scale, out bool isRight)
    {
        var (loss, share) = (0.0, own.Share + other.Share);
        isRight = true;
        for (var label = 0; label < values.Length; label++)
        {
            double logit = values[label];
            var hard = (own.Has[label] ? own.Share : 0) + (other.Has[label] ? other.Share : 0);
            var target = (1 - labelSmoothing) * hard + labelSmoothing / 2 * share;

            // −log p of a label is softplus(z) − z where it is there, softplus(z) where not; neither exponential overflows.
            var tail = Math.Exp(-Math.Abs(logit));
            var present = target * (labelWeights?[label, true] ?? 1);
            var all = present + (share - target) * (labelWeights?[label, false] ?? 1);
            loss += all * (Math.Max(logit, 0) + Math.Log(1 + tail)) - present * logit;
            gradient[label] = (float)(scale * (all * (logit >= 0 ? 1 : tail) / (1 + tail) - present));
            isRight &= logit > 0 == own.Has[label];
        }

        return loss;
    }

    // The labels of an image, and its share of the loss.
    private readonly ref struct Labels(ReadOnlySpan<bool> has, double share)
    {
        public ReadOnlySpan<bool> Has { get; } = has;

        public double Share => share;
    }
}
