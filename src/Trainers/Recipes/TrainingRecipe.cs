using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Microsoft.ML.ResNet.Trainers;

/// <summary>How a network is trained: everything that decides what it learns, and nothing about data, machine or files.</summary>
/// <remarks>
/// A value: take one of the named recipes, change it with <c>with</c>, print it, keep it as JSON beside the model.
/// <code>
/// var recipe = TrainingRecipe.Modern with { Epochs = 60, HorizontalFlip = false };
/// </code>
/// </remarks>
public sealed partial record TrainingRecipe
{
    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        Converters = { new JsonStringEnumConverter(namingPolicy: null, allowIntegerValues: false) },
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        MaxDepth = 4,
    };

    /// <summary>Gets how often every training image is seen.</summary>
    /// <value>At least 1. The default is 30.</value>
    public int Epochs { get; init; } = 30;

    /// <summary>Gets the steps after which training ends, whatever <see cref="Epochs"/> says; the last epoch may be incomplete.</summary>
    /// <value>At least 1. The default is <see langword="null"/>: the epochs count.</value>
    public long? Steps { get; init; }

    /// <summary>Gets the images per batch. Some batches of an epoch may have one less, so that all are of nearly the same size.</summary>
    /// <value>At least 2, for batch normalization. The default is 128 (He et al., 2016, section 4.2).</value>
    public int BatchSize { get; init; } = 128;

    /// <summary>Gets the batches whose gradients are averaged into one step. Batch normalization still sees one batch.</summary>
    /// <value>At least 1. The default is 1.</value>
    public int GradientAccumulationSteps { get; init; } = 1;

    /// <summary>Gets how gradients become steps.</summary>
    /// <value>The default is <see cref="OptimizerKind.Sgd"/>.</value>
    public OptimizerKind Optimizer { get; init; } = OptimizerKind.Sgd;

    /// <summary>Gets the learning rate after warm-up.</summary>
    /// <value>Greater than 0. The default is 0.1 (He et al., 2016, section 4.2), which suits <see cref="OptimizerKind.Sgd"/>.</value>
    public double LearningRate { get; init; } = 0.1;

    /// <summary>
    /// Gets the images of a step that <see cref="LearningRate"/> is meant for: with k times as many, the rate is k times as high (the
    /// linear scaling rule: Goyal et al., 2017, section 2.1). <see cref="BatchSize"/> may then change and nothing else.
    /// </summary>
    /// <value>At least 1. The default is <see langword="null"/>: the rate is the same for any number.</value>
    public int? BaseBatchSize { get; init; }

    /// <summary>
    /// Gets the learning rate of convolution filters after warm-up, where <see cref="Optimizer"/> is <see cref="OptimizerKind.Muon"/>: the
    /// length of the steps' singular values. All other parameters have <see cref="LearningRate"/>; both follow the same schedule.
    /// </summary>
    /// <value>Greater than 0. The default is 0.02.</value>
    public double FilterLearningRate { get; init; } = 0.02;

    /// <summary>
    /// Gets whether, where <see cref="Optimizer"/> is <see cref="OptimizerKind.Muon"/>, each convolution's filters together keep one
    /// length, √(number of filters), instead of decaying (as K. Jordan's airbench94_muon,
    /// https://github.com/KellerJordan/cifar10-airbench). What follows is normalized, so that their length decides nothing but how far a
    /// step turns them.
    /// </summary>
    /// <value>The default is <see langword="false"/>.</value>
    public bool KeepFilterLength { get; init; }

    /// <summary>Gets how the learning rate falls after warm-up.</summary>
    /// <value>The default is <see cref="LearningRateDecay.Cosine"/>.</value>
    public LearningRateDecay LearningRateDecay { get; init; } = LearningRateDecay.Cosine;

    /// <summary>Gets the shares of the run at which the learning rate drops, where it falls in steps.</summary>
    /// <value>Ascending, between 0 and 1. The default is 0.5 and 0.75: the paper's 32k and 48k of 64k steps (section 4.2).</value>
    public ImmutableArray<double> LearningRateDrops { get; init; } = [0.5, 0.75];

    /// <summary>Gets what the learning rate is multiplied by at each drop, in steps or on a plateau.</summary>
    /// <value>Greater than 0, at most 1. The default is 0.1.</value>
    public double LearningRateDropFactor { get; init; } = 0.1;

    /// <summary>
    /// Gets the epochs without a better validation result after which the learning rate drops, where it falls on a plateau.
    /// </summary>
    /// <value>At least 1. The default is 5.</value>
    public int PlateauPatience { get; init; } = 5;

    /// <summary>Gets the share of the run over which the learning rate grows linearly from nearly 0.</summary>
    /// <value>0 up to, not including, 1. The default is 0.</value>
    public double WarmupFraction { get; init; }

    /// <summary>
    /// Gets the training accuracy up to which the learning rate is a tenth: ResNet-110 warms up so until its training error is below 80 %
    /// (He et al., 2016, section 4.2). Measured every 50 steps, on the images of those.
    /// </summary>
    /// <value>0 up to, not including, 1. The default is 0: no such warm-up.</value>
    public double WarmupUntilAccuracy { get; init; }

    /// <summary>Gets the share of the velocity, or of Adam's mean gradient, that each step keeps.</summary>
    /// <value>0 up to, not including, 1. The default is 0.9.</value>
    public double Momentum { get; init; } = 0.9;

    /// <summary>
    /// Gets whether the gradient looks ahead along the velocity (Sutskever et al., 2013). For <see cref="OptimizerKind.Sgd"/> and <see
    /// cref="OptimizerKind.Muon"/>.
    /// </summary>
    /// <value>The default is <see langword="false"/>.</value>
    public bool Nesterov { get; init; }

    /// <summary>Gets where the learning rate stands in the formula of momentum. For what <see cref="OptimizerKind.Sgd"/> trains.</summary>
    /// <value>The default is <see cref="MomentumForm.PyTorch"/>.</value>
    public MomentumForm MomentumForm { get; init; } = MomentumForm.PyTorch;

    /// <summary>
    /// Gets the share of the mean squared gradient that each step keeps (β₂). For <see cref="OptimizerKind.AdamW"/> and <see
    /// cref="OptimizerKind.Lamb"/>.
    /// </summary>
    /// <value>0 up to, not including, 1. The default is 0.999.</value>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Gets the strength of the pull of parameters towards zero.</summary>
    /// <value>0 or more. The default is 0.0001 (He et al., 2016, section 4.2).</value>
    public double WeightDecay { get; init; } = 1e-4;

    /// <summary>Gets which parameters the decay pulls at.</summary>
    /// <value>The default is <see cref="WeightDecayScope.All"/>.</value>
    public WeightDecayScope WeightDecayScope { get; init; } = WeightDecayScope.All;

    /// <summary>Gets the length to which the gradient of all parameters together is clipped (Pascanu et al., 2013).</summary>
    /// <value>Greater than 0. The default is <see langword="null"/>: the gradient is not clipped.</value>
    public double? GradientClipNorm { get; init; }

    /// <summary>Gets which mean is subtracted from pixels, where the options give none.</summary>
    /// <value>The default is <see cref="MeanSubtraction.PerChannel"/>.</value>
    public MeanSubtraction MeanSubtraction { get; init; } = MeanSubtraction.PerChannel;

    /// <summary>Gets how training images are augmented.</summary>
    /// <value>The default is <see cref="ImageAugmentation.Auto"/>.</value>
    public ImageAugmentation Augmentation { get; init; } = ImageAugmentation.Auto;

    /// <summary>
    /// Gets whether augmentation mirrors half of the images. Not for digits, text, or anything else whose mirror image means something
    /// else.
    /// </summary>
    /// <value>The default is <see langword="true"/>.</value>
    public bool HorizontalFlip { get; init; } = true;

    /// <summary>
    /// Gets the sizes that training images have, relative to the network's input; each holds for the same number of epochs.
    /// </summary>
    /// <remarks>
    /// Small images first make early epochs cheap; images somewhat smaller than those that will be scored train the network for the size at
    /// which it will see objects (Touvron et al., 2019). Validation and scoring always use the network's input.
    /// </remarks>
    /// <value>Each from 0.25 to 2. The default is 1: the network's input throughout.</value>
    public ImmutableArray<double> ImageScales { get; init; } = [1];

    /// <summary>
    /// Gets whether each image is changed by one operation of random strength: rotated, sheared, posterized, … (Müller and Hutter, 2021).
    /// </summary>
    /// <value>The default is <see langword="false"/>.</value>
    public bool TrivialAugment { get; init; }

    /// <summary>Gets the deviation of the noise along the principal components of colour (Krizhevsky et al., 2012, section 4.1).</summary>
    /// <value>0 or more. The default is 0: none. The paper's is 0.1. For three channels only.</value>
    public double ColorNoise { get; init; }

    /// <summary>Gets the probability with which a random rectangle of an image is erased (Zhong et al., 2017).</summary>
    /// <value>0 to 1. The default is 0.</value>
    public double RandomErasing { get; init; }

    /// <summary>
    /// Gets the α of mixup: images are mixed in pairs with shares from Beta(α, α), and so are their labels (Zhang et al., 2018).
    /// </summary>
    /// <value>0 or more. The default is 0: none. If <see cref="CutMix"/> is on too, each batch gets one of them.</value>
    public double Mixup { get; init; }

    /// <summary>
    /// Gets the α of CutMix: a rectangle of one image is put into another, its area from Beta(α, α), and labels are mixed likewise (Yun et
    /// al., 2019).
    /// </summary>
    /// <value>0 or more. The default is 0: none.</value>
    public double CutMix { get; init; }

    /// <summary>Gets the share of each label that is spread over all classes (Szegedy et al., 2016, section 7).</summary>
    /// <value>0 up to, not including, 1. The default is 0.</value>
    public double LabelSmoothing { get; init; }

    /// <summary>Gets what makes up for classes with few images.</summary>
    /// <value>The default is <see cref="ClassBalance.None"/>.</value>
    public ClassBalance ClassBalance { get; init; } = ClassBalance.None;

    /// <summary>
    /// Gets whether the last normalization of each block starts at zero, so that every block starts as its shortcut (Goyal et al., 2017,
    /// section 5.1).
    /// </summary>
    /// <value>The default is <see langword="false"/>. Networks without shortcuts, and given weights, are left as they are.</value>
    public bool ZeroInitResidual { get; init; }

    /// <summary>
    /// Gets the probability with which the last block is skipped for an image; it grows linearly from the first block on (Huang et al.,
    /// 2016).
    /// </summary>
    /// <value>0 up to, not including, 1. The default is 0.</value>
    public double StochasticDepth { get; init; }

    /// <summary>
    /// Gets what the moving average of weights and statistics keeps at each step; the average is what is validated and returned. At step t
    /// it keeps at most (1 + t) / (10 + t), so that the random start is soon forgotten.
    /// </summary>
    /// <value>0 up to, not including, 1. The default is 0: no average.</value>
    public double EmaDecay { get; init; }

    /// <summary>
    /// Gets the training images over which the statistics of batch normalization are computed anew when training is over, in place of
    /// moving averages: "precise BN", which the paper's released networks have (https://github.com/KaimingHe/deep-residual-networks).
    /// </summary>
    /// <value>0 or more. The default is 0: moving averages are kept.</value>
    public int PreciseBatchNormImages { get; init; }

    /// <summary>
    /// Gets whether the network of the best epoch is returned, and not that of the last. Has an effect where there are validation images.
    /// </summary>
    /// <value>The default is <see langword="false"/>.</value>
    public bool KeepBestEpoch { get; init; }

    /// <summary>
    /// Gets the epochs without a better validation result after which training ends; the best epoch's network is then returned.
    /// </summary>
    /// <value>At least 1. The default is <see langword="null"/>: training never ends early. Needs validation images.</value>
    public int? EarlyStoppingPatience { get; init; }

    /// <summary>Gets what makes one epoch better than another: for the best epoch, early stopping and plateaus.</summary>
    /// <value>The default is <see cref="ValidationMetric.Accuracy"/>.</value>
    public ValidationMetric Metric { get; init; } = ValidationMetric.Accuracy;

    /// <summary>Reads a recipe.</summary>
    /// <param name="json">What <see cref="ToJson"/> wrote; properties that are left out have their defaults.</param>
    /// <returns>The recipe.</returns>
    /// <exception cref="JsonException">The text is not such JSON, or has a property that no recipe has.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A value is out of its range.</exception>
    public static TrainingRecipe FromJson(string json)
    {
        ArgumentNullException.ThrowIfNull(json);
        var recipe = JsonSerializer.Deserialize<TrainingRecipe>(json, Json)
            ?? throw new JsonException("A recipe is a JSON object, but this is null.");
        recipe.Validate();
        return recipe;
    }

    /// <summary>Writes the recipe as JSON, every property on a line of its own.</summary>
    /// <returns>What <see cref="FromJson"/> reads.</returns>
    public string ToJson() => JsonSerializer.Serialize(this, Json);

    /// <summary>Returns the recipe as text.</summary>
    /// <returns>As <see cref="ToJson"/>.</returns>
    public override string ToString() => ToJson();

    /// <summary>Tells whether two recipes have the same values.</summary>
    /// <param name="other">The other recipe.</param>
    /// <returns>Whether all properties are equal.</returns>
    public bool Equals(TrainingRecipe? other) => other is not null && ToJson() == other.ToJson(); // arrays by what is in them

    /// <inheritdoc/>
    public override int GetHashCode() => ToJson().GetHashCode(StringComparison.Ordinal);

    /// <summary>Gets the learning rate after warm-up, scaled to the images of a step.</summary>
    internal double PeakLearningRate =>
        BaseBatchSize is { } images ? LearningRate * BatchSize * GradientAccumulationSteps / images : LearningRate;

    /// <summary>Gets whether images are neither distorted nor mixed after they are cropped.</summary>
    internal bool HasNoDistortion => this is { TrivialAugment: false, ColorNoise: 0, RandomErasing: 0, Mixup: 0, CutMix: 0 };

    /// <summary>Gets every property that has another value in another recipe, as "name: this, other".</summary>
    internal IEnumerable<string> DifferencesFrom(TrainingRecipe other)
    {
        using var left = JsonSerializer.SerializeToDocument(this, Json);
        using var right = JsonSerializer.SerializeToDocument(other, Json);
        return [.. left.RootElement.EnumerateObject()
            .Select(property => (property.Name, Mine: property.Value.GetRawText(), Other: RawText(right, property.Name)))
            .Where(pair => pair.Mine != pair.Other)
            .Select(pair => $"{pair.Name} is {pair.Mine}, was {pair.Other}")];

        static string RawText(JsonDocument recipe, string name) => recipe.RootElement.GetProperty(name).GetRawText();
    }

    internal void Validate()
    {
        OptionCheck.OfRecipe(Epochs >= 1, Epochs, "at least 1");
        OptionCheck.OfRecipe(Steps is null or >= 1, Steps, "at least 1, or null");
        OptionCheck.OfRecipe(BatchSize >= 2, BatchSize, "at least 2, for batch normalization");
        OptionCheck.OfRecipe(GradientAccumulationSteps >= 1, GradientAccumulationSteps, "at least 1");
        OptionCheck.OfRecipe(Enum.IsDefined(Optimizer), Optimizer, "one of the values of OptimizerKind");
        OptionCheck.OfRecipe(LearningRate > 0 && double.IsFinite(LearningRate), LearningRate, "a finite number greater than 0");
        OptionCheck.OfRecipe(BaseBatchSize is null or >= 1, BaseBatchSize, "at least 1, or null");
        OptionCheck.OfRecipe(
            FilterLearningRate > 0 && double.IsFinite(FilterLearningRate),
            FilterLearningRate, "a finite number greater than 0");
        OptionCheck.OfRecipe(Enum.IsDefined(LearningRateDecay), LearningRateDecay, "one of the values of LearningRateDecay");
        OptionCheck.OfRecipe(
            !LearningRateDrops.IsDefault
            && LearningRateDrops.All(share => share is > 0 and < 1)
            && LearningRateDrops.SequenceEqual(LearningRateDrops.Order()),
            LearningRateDrops,
            "ascending shares of the run between 0 and 1");
        OptionCheck.OfRecipe(LearningRateDropFactor is > 0 and <= 1, LearningRateDropFactor, "greater than 0 and at most 1");
        OptionCheck.OfRecipe(PlateauPatience >= 1, PlateauPatience, "at least 1");
        OptionCheck.OfRecipe(WarmupFraction is >= 0 and < 1, WarmupFraction, "at least 0 and less than 1");
        OptionCheck.OfRecipe(WarmupUntilAccuracy is >= 0 and < 1, WarmupUntilAccuracy, "at least 0 and less than 1");
        OptionCheck.OfRecipe(Momentum is >= 0 and < 1, Momentum, "at least 0 and less than 1");
        OptionCheck.OfRecipe(
            !Nesterov || (Optimizer is OptimizerKind.Sgd or OptimizerKind.Muon && Momentum > 0),
            Nesterov, "false unless the optimizer is Sgd or Muon and there is momentum");
        OptionCheck.OfRecipe(Enum.IsDefined(MomentumForm), MomentumForm, "one of the values of MomentumForm");
        OptionCheck.OfRecipe(Beta2 is >= 0 and < 1, Beta2, "at least 0 and less than 1");
        OptionCheck.OfRecipe(WeightDecay >= 0 && double.IsFinite(WeightDecay), WeightDecay, "a finite number, 0 or more");
        OptionCheck.OfRecipe(Enum.IsDefined(WeightDecayScope), WeightDecayScope, "one of the values of WeightDecayScope");
        OptionCheck.OfRecipe(
            GradientClipNorm is null || (GradientClipNorm > 0 && double.IsFinite(GradientClipNorm.Value)),
            GradientClipNorm, "a finite number greater than 0, or null");
        OptionCheck.OfRecipe(Enum.IsDefined(MeanSubtraction), MeanSubtraction, "one of the values of MeanSubtraction");
        OptionCheck.OfRecipe(Enum.IsDefined(Augmentation), Augmentation, "one of the values of ImageAugmentation");
        OptionCheck.OfRecipe(
            !ImageScales.IsDefaultOrEmpty && ImageScales.All(scale => scale is >= 0.25 and <= 2),
            ImageScales, "one or more numbers from 0.25 to 2");
        OptionCheck.OfRecipe(
            MeanSubtraction == MeanSubtraction.PerChannel || (!ImageScales.IsDefault && ImageScales.All(scale => scale == 1)),
            ImageScales, "1 where a mean image is subtracted, which has the size of the network's input");
        OptionCheck.OfRecipe(ColorNoise >= 0 && double.IsFinite(ColorNoise), ColorNoise, "a finite number, 0 or more");
        OptionCheck.OfRecipe(RandomErasing is >= 0 and <= 1, RandomErasing, "from 0 to 1");
        OptionCheck.OfRecipe(Mixup >= 0 && double.IsFinite(Mixup), Mixup, "a finite number, 0 or more");
        OptionCheck.OfRecipe(CutMix >= 0 && double.IsFinite(CutMix), CutMix, "a finite number, 0 or more");
        OptionCheck.OfRecipe(LabelSmoothing is >= 0 and < 1, LabelSmoothing, "at least 0 and less than 1");
        OptionCheck.OfRecipe(Enum.IsDefined(ClassBalance), ClassBalance, "one of the values of ClassBalance");
        OptionCheck.OfRecipe(StochasticDepth is >= 0 and < 1, StochasticDepth, "at least 0 and less than 1");
        OptionCheck.OfRecipe(EmaDecay is >= 0 and < 1, EmaDecay, "at least 0 and less than 1");
        OptionCheck.OfRecipe(PreciseBatchNormImages >= 0, PreciseBatchNormImages, "0 or more");
        OptionCheck.OfRecipe(EarlyStoppingPatience is null or >= 1, EarlyStoppingPatience, "at least 1, or null");
        OptionCheck.OfRecipe(Enum.IsDefined(Metric), Metric, "one of the values of ValidationMetric");
    }
}
