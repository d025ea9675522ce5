using System.Text.Json;

namespace Microsoft.ML.ResNet.Trainers.Tests.Recipes;

public sealed class TrainingRecipeTests
{
    public static TheoryData<string, TrainingRecipe> Named => new()
    {
        { nameof(TrainingRecipe.Paper), TrainingRecipe.Paper },
        { nameof(TrainingRecipe.PaperDeep), TrainingRecipe.PaperDeep },
        { nameof(TrainingRecipe.PaperImageNet), TrainingRecipe.PaperImageNet },
        { nameof(TrainingRecipe.Modern), TrainingRecipe.Modern },
        { nameof(TrainingRecipe.Fast), TrainingRecipe.Fast },
        { nameof(TrainingRecipe.LargeBatch), TrainingRecipe.LargeBatch },
    };

    [Theory]
    [MemberData(nameof(Named))]
    public void ANamedRecipeIsValidAndSurvivesJson(string name, TrainingRecipe recipe)
    {
        recipe.Validate();
        var read = TrainingRecipe.FromJson(recipe.ToJson());

        Assert.True(recipe == read, name);
        Assert.Equal(recipe.GetHashCode(), read.GetHashCode());
        Assert.Empty(recipe.DifferencesFrom(read));
        Assert.Equal(recipe.ToJson(), recipe.ToString());
    }

    [Fact]
    public void EveryPropertyIsInTheJson()
    {
        using var json = JsonDocument.Parse(new TrainingRecipe().ToJson());

        var properties = typeof(TrainingRecipe)
            .GetProperties(System.Reflection.BindingFlags.Public | System.Reflection.BindingFlags.Instance)
            .Select(property => property.Name);
        Assert.Equal(properties.Order(), json.RootElement.EnumerateObject().Select(property => property.Name).Order());
    }

    [Fact]
    public void ChangingOnePropertyIsOneDifference()
    {
        var changed = TrainingRecipe.Paper with { LearningRate = 0.05 };

        Assert.NotEqual(TrainingRecipe.Paper, changed);
        Assert.Equal(["LearningRate is 0.05, was 0.1"], changed.DifferencesFrom(TrainingRecipe.Paper));
    }

    /// <summary>The linear scaling rule counts the images of a step, in how many batches they come.</summary>
    [Fact]
    public void TheRateOfALargeBatchGrowsWithTheImagesOfAStep()
    {
        Assert.Equal(3.2, TrainingRecipe.LargeBatch.PeakLearningRate, precision: 12); // Goyal et al., section 5.1: 0.1·kn/256
        Assert.Equal(0.4, (TrainingRecipe.LargeBatch with { BatchSize = 512, GradientAccumulationSteps = 2 }).PeakLearningRate, 12);
        Assert.Equal(0.1, (TrainingRecipe.Modern with { BatchSize = 1024 }).PeakLearningRate, 12);
    }

    [Fact]
    public void JsonMayLeaveOutWhatIsDefault() =>
        Assert.Equal(new TrainingRecipe { Epochs = 7 }, TrainingRecipe.FromJson("""{ "Epochs": 7 }"""));

    [Theory]
    [InlineData("""{ "Epoch": 7 }""", "Epoch")]
    [InlineData("""{ "Optimizer": "Adam" }""", "Optimizer")]
    [InlineData("null", "null")]
    [InlineData("{", "")]
    public void OtherJsonIsRefused(string json, string named) =>
        Assert.Contains(named, Assert.ThrowsAny<JsonException>(() => TrainingRecipe.FromJson(json)).Message);

    [Fact]
    public void JsonWithAValueOutOfRangeIsRefused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => TrainingRecipe.FromJson("""{ "Momentum": 1 }"""));

    public static TheoryData<string, TrainingRecipe> OutOfRange => new()
    {
        { "Epochs", new() { Epochs = 0 } },
        { "Steps", new() { Steps = 0 } },
        { "BatchSize", new() { BatchSize = 1 } },
        { "GradientAccumulationSteps", new() { GradientAccumulationSteps = 0 } },
        { "Optimizer", new() { Optimizer = (OptimizerKind)9 } },
        { "LearningRate", new() { LearningRate = double.NaN } },
        { "BaseBatchSize", new() { BaseBatchSize = 0 } },
        { "FilterLearningRate", new() { FilterLearningRate = 0 } },
        { "LearningRateDecay", new() { LearningRateDecay = (LearningRateDecay)9 } },
        { "LearningRateDrops", new() { LearningRateDrops = [0.75, 0.5] } },
        { "LearningRateDrops", new() { LearningRateDrops = [1] } },
        { "LearningRateDropFactor", new() { LearningRateDropFactor = 2 } },
        { "PlateauPatience", new() { PlateauPatience = 0 } },
        { "WarmupFraction", new() { WarmupFraction = 1 } },
        { "WarmupUntilAccuracy", new() { WarmupUntilAccuracy = 1 } },
        { "Momentum", new() { Momentum = 1 } },
        { "Nesterov", new() { Nesterov = true, Momentum = 0 } },
        { "Nesterov", new() { Nesterov = true, Optimizer = OptimizerKind.AdamW } },
        { "MomentumForm", new() { MomentumForm = (MomentumForm)9 } },
        { "Beta2", new() { Beta2 = 1 } },
        { "WeightDecay", new() { WeightDecay = -1 } },
        { "WeightDecayScope", new() { WeightDecayScope = (WeightDecayScope)9 } },
        { "GradientClipNorm", new() { GradientClipNorm = 0 } },
        { "MeanSubtraction", new() { MeanSubtraction = (MeanSubtraction)9 } },
        { "Augmentation", new() { Augmentation = (ImageAugmentation)99 } },
        { "ImageScales", new() { ImageScales = [] } },
        { "ImageScales", new() { ImageScales = [0.1] } },
        { "ImageScales", new() { ImageScales = [0.5], MeanSubtraction = MeanSubtraction.PerPixel } },
        { "ColorNoise", new() { ColorNoise = -1 } },
        { "RandomErasing", new() { RandomErasing = 2 } },
        { "Mixup", new() { Mixup = -1 } },
        { "CutMix", new() { CutMix = double.PositiveInfinity } },
        { "LabelSmoothing", new() { LabelSmoothing = 1 } },
        { "ClassBalance", new() { ClassBalance = (ClassBalance)9 } },
        { "StochasticDepth", new() { StochasticDepth = 1 } },
        { "EmaDecay", new() { EmaDecay = 1 } },
        { "PreciseBatchNormImages", new() { PreciseBatchNormImages = -1 } },
        { "EarlyStoppingPatience", new() { EarlyStoppingPatience = 0 } },
        { "Metric", new() { Metric = (ValidationMetric)9 } },
    };

    [Theory]
    [MemberData(nameof(OutOfRange))]
    public void AValueOutOfRangeIsRefusedByItsName(string name, TrainingRecipe recipe)
    {
        var exception = Assert.Throws<ArgumentOutOfRangeException>(recipe.Validate);

        Assert.Equal(name, exception.ParamName);
        Assert.StartsWith($"{name} of the training recipe must be ", exception.Message);
    }
}
