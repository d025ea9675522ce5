using System.Collections.Immutable;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Augmentation;

/// <summary>The input pipelines that a recipe asks for.</summary>
/// <param name="cut">How images are cut out; not Auto.</param>
/// <param name="recipe">The recipe.</param>
/// <param name="preprocessing">The network's input.</param>
internal sealed class InputPipelines(ImageAugmentation cut, TrainingRecipe recipe, ImagePreprocessing preprocessing)
{
    /// <summary>Makes one for each size of training images.</summary>
    public InputPipeline[] ForTraining() => [.. recipe.ImageScales.Select(scale => Make(Scaled(scale), distorted: true))];

    /// <summary>Makes one that gives images of the network's input size, cut out but not distorted: what statistics are measured on.</summary>
    public InputPipeline ForStatistics() => Make(preprocessing.Input, distorted: false);

    private InputPipeline Make(ImageShape output, bool distorted)
    {
        var normalization = new Normalization(preprocessing with { Input = output });
        IAugmentation cutter = cut switch
        {
            ImageAugmentation.CropAndFlip => new CropAndFlip(output, normalization, recipe.HorizontalFlip),
            ImageAugmentation.ResizedCropAndFlip => new ResizedCropAndFlip(output, recipe.HorizontalFlip),
            _ => new NoAugmentation(),
        };
        return new InputPipeline(output, cutter, normalization) { Distortions = distorted ? Distortions() : [] };
    }

    private ImmutableArray<IDistortion> Distortions() => [];

    private ImageShape Scaled(double scale)
    {
        var input = preprocessing.Input;
        return new ImageShape(input.Channels, (int)Math.Round(input.Height * scale), (int)Math.Round(input.Width * scale));
    }
}
