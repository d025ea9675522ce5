namespace Microsoft.ML.ResNet.Trainers;

/// <summary>How gradients become steps.</summary>
public enum OptimizerKind
{
    /// <summary>Stochastic gradient descent with momentum.</summary>
    Sgd,

    /// <summary>
    /// Adam with decoupled weight decay (Loshchilov and Hutter, 2019). Rates are about a hundredth of those of <see cref="Sgd"/>.
    /// </summary>
    AdamW,

    /// <summary>Adam with a trust ratio per tensor, for batches of a thousand images and more (You et al., 2020).</summary>
    Lamb,

    /// <summary>
    /// <see cref="Sgd"/>, but the step of each convolution's filters is made orthogonal: far fewer steps for the same accuracy (Jordan et
    /// al., 2024). Filters have a rate of their own, <see cref="TrainingRecipe.FilterLearningRate"/>.
    /// </summary>
    Muon,
}
