using Microsoft.ML.ResNet.Trainers.Checkpoints;

namespace Microsoft.ML.ResNet.Trainers.Tests.Checkpoints;

/// <summary>Checkpoints made up for tests.</summary>
internal static class Moments
{
    public static readonly TrainingIdentity Identity = new()
    {
        Architecture = "resnet20", Input = "3×32×32", ClassCount = 10, Layers = "a",
        TrainableLayers = "All", EpochsPerUnfreezing = 0, LayerDecay = 1, StartingWeights = "b",
        TrainingImages = 100, ValidationImages = 10, Data = "c", Preprocessing = "d",
        Precision = "Float32", Seed = 12345, Recipe = TrainingRecipe.Modern,
    };

    /// <summary>Makes one.</summary>
    /// <param name="step">The steps taken.</param>
    /// <param name="epochs">The epochs finished; epoch i has a validation accuracy of 1/i but for the best.</param>
    /// <param name="batch">The batches of the next epoch that are done.</param>
    /// <param name="best">The best epoch; null for none.</param>
    public static Checkpoint Checkpoint(long step, int epochs = 0, int batch = 0, int? best = null)
    {
        EpochResult[] results = [.. Enumerable.Range(1, epochs)
            .Select(epoch => new EpochResult(epoch, 0.1 / 3, 1.0 / 7, 0.5, 0.3, 1.0 / epoch, TimeSpan.FromSeconds(1.5), 1234.5))];
        var state = new TrainingState
        {
            BatchSize = 64, GradientAccumulationSteps = 1, Epoch = epochs + 1, Batch = batch,
            Step = step, Tally = new Tally(10, 5, 1.0 / 3), Epochs = [.. results], LearningRate = 0.1,
            Best = best is { } epoch ? new Patience { Best = results[epoch - 1], EpochsSince = epochs - epoch } : new Patience(),
        };
        return new Checkpoint(
            Identity,
            state,
            new ResNetWeights(
            [
                new WeightTensor("w", [2, 2], new float[] { 1, -2, float.Epsilon, float.MaxValue }),
                new WeightTensor("s", [], new float[] { 3 }),
            ]));
    }
}
