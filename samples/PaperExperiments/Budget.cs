using Microsoft.ML.ResNet.Trainers;

namespace PaperExperiments;

/// <summary>How long networks are trained: as long as the paper's, or long enough to show the effect.</summary>
internal enum Budget
{
    /// <summary>The paper's protocol with fewer steps; a command takes less than 40 minutes on two cores.</summary>
    Quick,

    /// <summary>The paper's protocol: 64,000 steps (section 4.2). Hours to days on two cores, in as many sittings as you like.</summary>
    Paper,
}

internal static class Budgets
{
    /// <summary>Gets the recipe for a network.</summary>
    /// <param name="budget">The budget.</param>
    /// <param name="layers">The network's layers: from 110 on it warms up, as the paper's does.</param>
    /// <param name="quickSteps">The steps of the quick budget.</param>
    public static TrainingRecipe Recipe(this Budget budget, int layers, long quickSteps)
    {
        const int deep = 110;
        var recipe = layers >= deep ? TrainingRecipe.PaperDeep : TrainingRecipe.Paper;
        return budget == Budget.Paper ? recipe : recipe with { Steps = quickSteps };
    }
}
