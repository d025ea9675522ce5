namespace Microsoft.ML.ResNet.Trainers.Tests;

/// <summary>A tiny network that has learned its pictures, trained once for the tests of a class.</summary>
public sealed class PretrainedTiny
{
    public PretrainedTiny()
    {
        TorchRuntime.Initialize();
        var ml = new MLContext(seed: 1);
        var data = TrainingData.Vectors(ml, perClass: 20);
        using var model = TrainingData.Fit(ml, data, new ResNetTrainer.Options { Epochs = 6, Seed = 1, ValidationFraction = 0 });
        Weights = model.Weights;
    }

    internal ResNetWeights Weights { get; }
}
