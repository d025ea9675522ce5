using System.Numerics;
using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Data;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Loop;

/// <summary>What a batch does to a learner: it adds to the gradients; where it ends a step, optimizer and average take it.</summary>
/// <param name="learner">The network and what trains it.</param>
/// <param name="settings">How it is trained.</param>
internal sealed class BatchTraining<T>(Learner<T> learner, TrainingSettings settings) : IDisposable
    where T : unmanaged, INumberBase<T>
{
    private readonly TrainingLoss _loss = TrainingLoss.ForTraining(settings);
    private readonly int _perStep = settings.Recipe.GradientAccumulationSteps;

    /// <summary>Trains on a batch.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="epoch">The epoch it is of.</param>
    /// <param name="step">The steps that were taken before.</param>
    /// <param name="rate">The learning rate.</param>
    /// <param name="meter">What its loss and right answers are added to.</param>
    public void Train(Batch batch, int epoch, long step, double rate, Meter meter)
    {
        learner.Network.StochasticDepth?.Roll(new Random(SeedMixer.Mix(settings.Seed, SeedUse.StochasticDepth, epoch, batch.Index)));
        ComputeGradients(batch, meter);
        if (EndsStep(batch))
        {
            learner.Optimizer.Step(rate, learner.Compiled?.TrainedGradients, learner.Compiled?.Team);
            learner.Average?.Update(step + 1, learner.Compiled?.Team);
        }
    }

    /// <summary>Tells whether a batch is the last one of a step.</summary>
    public bool EndsStep(Batch batch) => (batch.Index + 1) % _perStep == 0 || batch.Index + 1 == learner.Training.BatchesPerEpoch;

    public void Dispose() => _loss.Dispose();

    private void ComputeGradients(Batch batch, Meter meter)
    {
        if (learner.Compiled is { } compiled)
        {
            var (mean, correct) = compiled.Run(batch, BatchesInStep(batch.Index), accumulates: batch.Index % _perStep > 0);
            meter.Add(batch.Count, correct, mean);
            return;
        }

        using var scope = NewDisposeScope();       // every tensor this batch makes is freed here, but for the gradients
        var logits = learner.Network.Forward(batch.Images, training: true);
        var loss = _loss.Of(logits, batch);
        using TorchSharp.Scalar batches = BatchesInStep(batch.Index);
        loss.div(batches).backward();
        meter.Add(batch.Count, _loss.Correct(logits, batch), loss);
    }

    // The last step of an epoch may be of fewer.
    private int BatchesInStep(int batch) => Math.Min(_perStep, learner.Training.BatchesPerEpoch - batch / _perStep * _perStep);
}
