using System.Numerics;
using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Checkpoints;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Loop;

/// <summary>One pass over the validation images, with the weights that are judged. Several processes share the batches.</summary>
/// <param name="learner">The network, and what samples its predictions.</param>
/// <param name="settings">How it is trained.</param>
internal sealed class ValidationPass<T>(Learner<T> learner, TrainingSettings settings) : IDisposable
    where T : unmanaged, INumberBase<T>
{
    private readonly TrainingLoss _loss = TrainingLoss.ForValidation(settings);

    /// <summary>Computes loss and accuracy.</summary>
    /// <param name="images">The images.</param>
    /// <param name="beforeCanceled">What is done before a pass is canceled, by one process alone.</param>
    /// <exception cref="OperationCanceledException">Training was canceled.</exception>
    public Tally Run(BatchLoader<T> images, Action beforeCanceled)
    {
        using var noGradients = no_grad();
        using var meter = new Meter(settings.Tensors);
        return settings.Ranks.Size == 1 ? RunAlone(images, meter, beforeCanceled) : RunShare(images, meter);
    }

    public void Dispose() => _loss.Dispose();

    private Tally RunAlone(BatchLoader<T> images, Meter meter, Action beforeCanceled)
    {
        var tally = default(Tally);
        foreach (var batch in images.Epoch(1))
        {
            if (settings.CancellationToken.IsCancellationRequested)
            {
                beforeCanceled();
                settings.CancellationToken.ThrowIfCancellationRequested();
            }

            Measure(batch, images, meter);
            if (meter.IsFull)
            {
                tally = meter.Read(tally, out _);
            }
        }

        return meter.Read(tally, out _);
    }

    // Every rank has some of the batches; what each came to is added up in their order, as one process would.
    private Tally RunShare(BatchLoader<T> images, Meter meter)
    {
        var own = new double[3 * images.BatchesPerEpoch];
        foreach (var batch in images.Epoch(1))
        {
            Measure(batch, images, meter);
            var of = meter.Read(default, out _);
            (own[3 * batch.Index], own[3 * batch.Index + 1], own[3 * batch.Index + 2]) = (of.Seen, of.Correct, of.LossSum);
        }

        var all = new double[own.Length];
        settings.Ranks.AllReduce(own, all);
        learner.Samples?.Share(settings.Ranks, learner.Network.Plan.ClassCount);
        return all.Chunk(3).Aggregate(default(Tally), (sum, of) => sum + new Tally((long)of[0], (long)of[1], of[2]));
    }

    private void Measure(Batch batch, BatchLoader<T> images, Meter meter)
    {
        using var scope = NewDisposeScope();
        var logits = learner.Evaluated.Forward(batch.Images, training: false);
        learner.Samples?.Take(logits, images.ImagesBefore(batch.Index));
        meter.Add(batch.Count, _loss.Correct(logits, batch), _loss.Of(logits, batch));
    }
}
