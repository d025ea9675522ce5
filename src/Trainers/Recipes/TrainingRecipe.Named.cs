namespace Microsoft.ML.ResNet.Trainers;

public sealed partial record TrainingRecipe
{
    /// <summary>
    /// The paper's, for CIFAR-10 (He et al., 2016, section 4.2): 64,000 steps of 128 images at a rate of 0.1, divided by 10 at 32,000 and
    /// 48,000; padded crops and mirror images; the mean image subtracted.
    /// </summary>
    public static readonly TrainingRecipe Paper = new()
    {
        Steps = 64_000,
        BatchSize = 128,
        LearningRate = 0.1,
        LearningRateDecay = LearningRateDecay.Step,
        LearningRateDrops = [0.5, 0.75],
        LearningRateDropFactor = 0.1,
        Momentum = 0.9,
        WeightDecay = 1e-4,
        Augmentation = ImageAugmentation.CropAndFlip,
        MeanSubtraction = MeanSubtraction.PerPixel,
    };

    /// <summary>
    /// The paper's, for ResNet-110 on CIFAR-10: <see cref="Paper"/> with a warm-up at a rate of 0.01 until the training error is below 80 %
    /// (section 4.2).
    /// </summary>
    public static readonly TrainingRecipe PaperDeep = Paper with { WarmupUntilAccuracy = 0.2 };

    /// <summary>
    /// The paper's, for ImageNet (section 3.4): 600,000 steps of 256 images; the rate divided by 10 when the validation error plateaus; the
    /// shorter side at random between 256 and 480, crops of 224 and mirror images; colour noise; the mean image subtracted; normalization
    /// with the training set's own statistics.
    /// </summary>
    public static readonly TrainingRecipe PaperImageNet = Paper with
    {
        Steps = 600_000,
        BatchSize = 256,
        LearningRateDecay = LearningRateDecay.Plateau,
        Augmentation = ImageAugmentation.ScaleJitter,
        ColorNoise = 0.1,
        PreciseBatchNormImages = 50_000,
    };

    /// <summary>
    /// What the field has found since, as far as it pays in tens of epochs: the default. A cosine with warm-up, Nesterov's momentum, decay
    /// on weights only, and an average of the weights. What each brought is in docs/RESULTS.md.
    /// </summary>
    public static readonly TrainingRecipe Modern = new()
    {
        Epochs = 30,
        LearningRateDecay = LearningRateDecay.Cosine,
        WarmupFraction = 0.05,
        Nesterov = true,
        WeightDecay = 5e-4,
        WeightDecayScope = WeightDecayScope.Weights,
        EmaDecay = 0.998,
    };

    /// <summary>
    /// The most accuracy for the least computation that was found for CIFAR-10, with <see cref="ResNetArchitecture.ResNet9"/>: orthogonal
    /// steps (<see cref="OptimizerKind.Muon"/>), one cycle of the learning rate, rectangles erased from a quarter of the images, and two
    /// thirds of the epochs on images of three quarters of the size, which cost half. See docs/RESULTS.md.
    /// </summary>
    public static readonly TrainingRecipe Fast = Modern with
    {
        Epochs = 16,
        BatchSize = 256,
        Optimizer = OptimizerKind.Muon,
        FilterLearningRate = 0.025,
        KeepFilterLength = true,
        LearningRateDecay = LearningRateDecay.Linear,
        WarmupFraction = 0.1,
        EmaDecay = 0.99,
        ImageScales = [0.75, 0.75, 1],
        RandomErasing = 0.25,
    };

    /// <summary>
    /// For batches of thousands of images, which several processes make together: Goyal et al. (2017, section 5.1), for ImageNet. The rate
    /// is 0.1 for 256 images and grows with the batch, after a warm-up of 5 of 90 epochs; it is divided by 10 after 30, 60 and 80. Blocks
    /// start as their shortcuts.
    /// </summary>
    /// <remarks>
    /// Up to 8,192 images they lost no accuracy. For more, or for data with few steps in an epoch, take <see cref="OptimizerKind.Lars"/>
    /// with a rate of its own, or <see cref="OptimizerKind.Lamb"/>:
    /// <code>
    /// TrainingRecipe.LargeBatch with { Optimizer = OptimizerKind.Lars, LearningRate = 0.3 } // 10 for a batch of 8,192
    /// </code>
    /// </remarks>
    public static readonly TrainingRecipe LargeBatch = new()
    {
        Epochs = 90,
        BatchSize = 8_192,
        BaseBatchSize = 256,
        LearningRate = 0.1,
        WarmupFraction = 5.0 / 90,
        LearningRateDecay = LearningRateDecay.Step,
        LearningRateDrops = [30.0 / 90, 60.0 / 90, 80.0 / 90],
        LearningRateDropFactor = 0.1,
        WeightDecay = 1e-4,
        WeightDecayScope = WeightDecayScope.Weights,
        ZeroInitResidual = true,
    };
}
