using System.Collections.Immutable;
using System.Numerics;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Augmentation;

/// <summary>The input pipelines that a recipe asks for.</summary>
/// <param name="augmentation">How images are augmented; not Auto.</param>
/// <param name="recipe">The recipe.</param>
/// <param name="preprocessing">The network's input.</param>
/// <param name="levels">Whether pixels are levels from 0 to 255, which colour operations need.</param>
/// <param name="colors">The principal components of the training images' colours, where the recipe has colour noise.</param>
internal sealed class InputPipelines(
    ImageAugmentation augmentation, TrainingRecipe recipe, ImagePreprocessing preprocessing, bool levels, PrincipalColors colors)
{
    /// <summary>Makes one for each size of training images.</summary>
    public InputPipeline[] ForTraining() => [.. recipe.ImageScales.Select(scale => Make(Scaled(scale), distorted: true))];

    /// <summary>
    /// Makes one that gives images of the network's input size, cropped but not distorted: for measuring statistics.
    /// </summary>
    public InputPipeline ForStatistics() => Make(preprocessing.Input, distorted: false);

    /// <summary>Makes one that gives of training images, which may be kept whole, what scoring sees.</summary>
    public InputPipeline AsScored() => KeptScale(augmentation, largestScale: 1) is null
        ? InputPipeline.AsScored(preprocessing)
        : new InputPipeline(preprocessing.Input, new CenterCrop(preprocessing), new Normalization(preprocessing));

    /// <summary>Makes those for the training images of a run.</summary>
    public static InputPipelines For<T>(ImageAugmentation augmentation, TrainingRecipe recipe, TrainingImages<T> images)
        where T : unmanaged, INumberBase<T>
    {
        var colors = recipe.ColorNoise > 0
            ? images.Training.Compute<PrincipalColors>(1, () => [PrincipalColors.Measure(images.Training)])[0]
            : default;
        return new InputPipelines(augmentation, recipe, images.Preprocessing, levels: typeof(T) == typeof(byte), colors);
    }

    /// <summary>Gets the shorter side that images are kept at for an augmentation, relative to the network's input.</summary>
    /// <param name="augmentation">The augmentation; not Auto.</param>
    /// <param name="largestScale">The largest size of training images, relative to the network's input.</param>
    /// <returns>The scale; null where images are augmented from the input's own size.</returns>
    public static double? KeptScale(ImageAugmentation augmentation, double largestScale) => augmentation switch
    {
        ImageAugmentation.ResizedCropAndFlip => ResizedCropAndFlip.KeptScale * Math.Max(1, largestScale),
        ImageAugmentation.ScaleJitter => ScaleJitterCropAndFlip.KeptScale * Math.Max(1, largestScale),
        _ => null,
    };

    private InputPipeline Make(ImageShape output, bool distorted)
    {
        var normalization = new Normalization(preprocessing with { Input = output });
        IAugmentation crop = augmentation switch
        {
            ImageAugmentation.CropAndFlip =>
                new CropAndFlip(preprocessing.Input, new Normalization(preprocessing), recipe.HorizontalFlip, output),
            ImageAugmentation.ResizedCropAndFlip => new ResizedCropAndFlip(output, recipe.HorizontalFlip),
            ImageAugmentation.ScaleJitter => new ScaleJitterCropAndFlip(output, recipe.HorizontalFlip),
            _ => new NoAugmentation(),
        };
        return new InputPipeline(output, crop, normalization) { Distortions = distorted ? Distortions(output, normalization) : [] };
    }

    // Erasing comes last: what it erases stays the mean.
    private ImmutableArray<IDistortion> Distortions(ImageShape output, Normalization normalization) =>
    [
        .. recipe.TrivialAugment ? [new TrivialAugment(output, normalization, levels)] : Array.Empty<IDistortion>(),
        .. recipe.ColorNoise > 0 ? [new ColorPca(colors, recipe.ColorNoise)] : Array.Empty<IDistortion>(),
        .. recipe.RandomErasing > 0 ? [new RandomErasing(output, normalization, recipe.RandomErasing)] : Array.Empty<IDistortion>(),
    ];

    private ImageShape Scaled(double scale)
    {
        var input = preprocessing.Input;
        return new ImageShape(input.Channels, (int)Math.Round(input.Height * scale), (int)Math.Round(input.Width * scale));
    }
}
