using Microsoft.ML.ResNet;

namespace PaperExperiments;

/// <summary>A network and what it came to.</summary>
/// <param name="Name">Its name in results.</param>
/// <param name="Model">The classifier.</param>
/// <param name="TrainingError">
/// The share of the last epoch's training images, augmented, that were classified wrong when trained on.
/// </param>
/// <param name="TestError">The share of the test images that are classified wrong.</param>
internal sealed record TrainedNetwork(string Name, ResNetClassificationTransformer Model, double TrainingError, double TestError)
{
    /// <summary>Gets how long it trained, in all sittings.</summary>
    public TimeSpan Duration => Model.History.Epochs.Aggregate(TimeSpan.Zero, (sum, epoch) => sum + epoch.Duration);

    /// <summary>Gets the number of its parameters.</summary>
    public long Parameters => Model.Plan.ParameterCount;
}
