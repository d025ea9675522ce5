using System.Runtime.InteropServices;

namespace Microsoft.ML.ResNet.Trainers.Loop;

/// <summary>
/// Splits batches that do not fit into memory into halves whose gradients are averaged. Only batch normalization then differs from a step
/// with the whole batch.
/// </summary>
internal static class MemoryBudget
{
    // Gradients of activations, and what convolutions unfold, on top of the activations that are kept: measured on ResNet-18 and ResNet-50
    // at 224×224.
    private const double Overhead = 1.5;

    /// <summary>Estimates the bytes that one training step holds at once.</summary>
    public static long BytesPerBatch(LayerPlan plan, int batchSize, TrainingPrecision precision)
    {
        var valueSize = precision == TrainingPrecision.BFloat16 ? 2 : 4;

        // Backward reads what convolutions and normalizations read. An in-place ReLU or addition makes nothing new.
        var kept = plan.Layers
            .Where(layer => layer is ConvolutionLayer or BatchNormLayer or PaddedIdentityLayer or MaxPoolLayer or ScaleLayer)
            .Sum(layer => (long)layer.Output.Size);
        return (long)(Overhead * batchSize * (kept * valueSize + plan.Input.Size * (long)sizeof(float)));
    }

    /// <summary>Halves a recipe's batches until they fit.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="plan">The network.</param>
    /// <param name="precision">The type that convolutions compute in.</param>
    /// <param name="available">The bytes that there are.</param>
    /// <returns>The recipe, with batches that fit, or that cannot be halved any more.</returns>
    public static TrainingRecipe Fit(TrainingRecipe recipe, LayerPlan plan, TrainingPrecision precision, long available)
    {
        while (CanHalve(recipe) && BytesPerBatch(plan, recipe.BatchSize, precision) > available)
        {
            recipe = Halve(recipe);
        }

        return recipe;
    }

    public static bool CanHalve(TrainingRecipe recipe) => recipe.BatchSize >= 4;

    public static TrainingRecipe Halve(TrainingRecipe recipe) =>
        recipe with { BatchSize = (recipe.BatchSize + 1) / 2, GradientAccumulationSteps = recipe.GradientAccumulationSteps * 2 };

    /// <summary>Tells whether an exception means that Torch could not allocate memory.</summary>
    public static bool IsOutOfMemory(Exception exception) =>
        exception is ExternalException
        && (exception.Message.Contains("not enough memory", StringComparison.Ordinal)
            || exception.Message.Contains("can't allocate memory", StringComparison.Ordinal)
            || exception.Message.Contains("out of memory", StringComparison.Ordinal)); // a GPU's
}
