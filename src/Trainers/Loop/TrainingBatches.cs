using System.Numerics;
using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Loop;

/// <summary>Makes the batches that a network is trained on, as its settings say.</summary>
internal static class TrainingBatches
{
    /// <summary>Makes what loads them; it is the caller's to dispose of.</summary>
    /// <param name="images">The images.</param>
    /// <param name="settings">How the network is trained.</param>
    /// <param name="epochs">The epochs of the whole run.</param>
    public static BatchLoader<T> Of<T>(TrainingImages<T> images, TrainingSettings settings, int epochs)
        where T : unmanaged, INumberBase<T>
    {
        var recipe = settings.Recipe;
        return new BatchLoader<T>(
            images.Training,
            recipe.BatchSize,
            InputPipelines.For(settings.Augmentation, recipe, images).ForTraining(),
            epochs,
            SeedMixer.Mix(settings.Seed, SeedUse.Batches),
            settings.BatchBalance,
            settings.Tensors)
        {
            Mixing = recipe is { Mixup: 0, CutMix: 0 } ? null : new Mixing(recipe.Mixup, recipe.CutMix),
            Slice = (settings.Ranks.Rank, settings.Ranks.Size),
        };
    }
}
