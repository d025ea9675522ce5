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

    /// <summary>
    /// <see cref="Sgd"/> with a rate for each tensor, a thousandth of |weights| / (|gradient| + decay · |weights|) times the learning rate,
    /// for batches of many thousand images (LARS: You et al., 2017, https://arxiv.org/abs/1708.03888). Biases and normalization take the
    /// steps of <see cref="Sgd"/>. Rates are of the order of 10.
    /// </summary>
    Lars,
}
