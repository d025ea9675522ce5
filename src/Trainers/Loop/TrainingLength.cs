namespace Microsoft.ML.ResNet.Trainers.Loop;

/// <summary>How long a run is.</summary>
/// <param name="Steps">The steps of the whole run.</param>
/// <param name="Epochs">The epochs, of which the last may be incomplete.</param>
internal readonly record struct TrainingLength(long Steps, int Epochs)
{
    /// <summary>Gets it from a recipe and the number of training images.</summary>
    public static TrainingLength Of(TrainingRecipe recipe, int images)
    {
        var batches = (images + recipe.BatchSize - 1) / recipe.BatchSize;
        var stepsPerEpoch = (batches + recipe.GradientAccumulationSteps - 1) / recipe.GradientAccumulationSteps;
        var steps = recipe.Steps ?? (long)recipe.Epochs * stepsPerEpoch;
        return new TrainingLength(steps, checked((int)((steps + stepsPerEpoch - 1) / stepsPerEpoch)));
    }
}
