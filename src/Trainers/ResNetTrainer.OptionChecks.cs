using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Trainers.Distributed;
using Microsoft.ML.ResNet.Trainers.Networks;

namespace Microsoft.ML.ResNet.Trainers;

public sealed partial class ResNetTrainer
{
    public sealed partial class Options
    {
        /// <summary>Checks every option by itself; what depends on the data is checked in Fit.</summary>
        internal void Validate()
        {
            ArgumentNullException.ThrowIfNull(Architecture);
            ArgumentException.ThrowIfNullOrWhiteSpace(LabelColumnName);
            ArgumentException.ThrowIfNullOrWhiteSpace(ImageColumnName);
            ArgumentNullException.ThrowIfNull(Recipe);
            OptionCheck.OfTrainer(Epochs is null or >= 1, Epochs, "at least 1, or null");
            OptionCheck.OfTrainer(BatchSize is null or >= 2, BatchSize, "at least 2, for batch normalization, or null");
            OptionCheck.OfTrainer(
                LearningRate is null || (LearningRate > 0 && double.IsFinite(LearningRate.Value)),
                LearningRate, "a finite number greater than 0, or null");
            EffectiveRecipe.Validate();
            OptionCheck.OfTrainer(ValidationFraction is >= 0 and < 1, ValidationFraction, "at least 0 and less than 1");
            OptionCheck.OfTrainer(Enum.IsDefined(TrainableLayers), TrainableLayers, "one of the values of TrainableLayers");
            OptionCheck.OfTrainer(
                !StreamShards || !FitHeadFirst,
                FitHeadFirst, "false with StreamShards: the features of all images would be kept");
            OptionCheck.OfTrainer(
                !FitHeadFirst || StartWeights is not null, FitHeadFirst, "false where no weights are given to start from");
            OptionCheck.OfTrainer(HeadCopies >= 1, HeadCopies, "at least 1");
            OptionCheck.OfTrainer(
                !KeepBatchNormStatistics || StartWeights is not null,
                KeepBatchNormStatistics, "false where no weights are given to start from");
            OptionCheck.OfTrainer(
                !KeepBatchNormStatistics || Recipe.PreciseBatchNormImages == 0,
                Recipe.PreciseBatchNormImages,
                "0 with KeepBatchNormStatistics: statistics are not computed anew",
                "Recipe.PreciseBatchNormImages");
            OptionCheck.OfTrainer(EpochsPerUnfreezing >= 0, EpochsPerUnfreezing, "0 or more");
            OptionCheck.OfTrainer(LayerDecay is > 0 and <= 1, LayerDecay, "greater than 0 and at most 1");
            OptionCheck.OfTrainer(Enum.IsDefined(Distributed), Distributed, "one of the values of DistributedTraining");
            OptionCheck.OfTrainer(
                Distributed != DistributedTraining.Required || Device.IsAuto || Device.IsCpu,
                Device, "auto or cpu where Distributed is Required: processes train together on CPUs only");
            OptionCheck.OfTrainer(Enum.IsDefined(GradientExchange), GradientExchange, "one of the values of GradientExchange");
            OptionCheck.OfTrainer(ThreadCount is null or >= 1, ThreadCount, "at least 1, or null");
            OptionCheck.OfTrainer(CheckpointInterval > TimeSpan.Zero, CheckpointInterval, "longer than 0");
            OptionCheck.OfTrainer(CheckpointsToKeep >= 1, CheckpointsToKeep, "at least 1");
            OptionCheck.OfTrainer(Enum.IsDefined(Resume), Resume, "one of the values of Resume");
            OptionCheck.OfTrainer(
                Resume != Resume.Required || CheckpointFolder is not null,
                CheckpointFolder, "given where Resume is Required");
            OptionCheck.OfTrainer(MaxDuration is null || MaxDuration > TimeSpan.Zero, MaxDuration, "longer than 0, or null");
            OptionCheck.OfTrainer(SamplePredictions >= 0, SamplePredictions, "0 or more");
            OptionCheck.OfTrainer(RejectUnknown is null or (> 0 and < 1), RejectUnknown, "greater than 0 and less than 1, or null");
            OptionCheck.OfTrainer(Enum.IsDefined(OnBadImage), OnBadImage, "one of the values of BadImageHandling");
            OptionCheck.OfTrainer(
                MaxImagePixels is null or (>= 1 and <= ImageDecoder.MostPixels),
                MaxImagePixels, "1 to 536,870,911, or null");
            OptionCheck.OfTrainer(CacheBytes is null or >= 0, CacheBytes, "0 or more, or null");
            OptionCheck.OfTrainer(
                !StreamShards || Recipe.ClassBalance != ClassBalance.Sampling,
                Recipe.ClassBalance,
                "Weights or None with StreamShards: images of a rare class are not at hand to be drawn again",
                "Recipe.ClassBalance");
            OptionCheck.OfTrainer(Enum.IsDefined(Precision), Precision, "one of the values of TrainingPrecision");
            OptionCheck.OfTrainer(
                PixelMean is null == PixelStandardDeviation is null,
                PixelStandardDeviation, "given together with PixelMean, or not at all");
            OptionCheck.OfTrainer(
                PixelStandardDeviation is null || PixelStandardDeviation.Value.All(deviation => deviation > 0 && float.IsFinite(deviation)),
                PixelStandardDeviation, "finite and greater than 0");
            OptionCheck.OfTrainer(PixelMean is null || PixelMean.Value.All(float.IsFinite), PixelMean, "finite");
            OptionCheck.OfTrainer(Pretrained is null || InitialWeights is null, Pretrained, "null where InitialWeights are given");
            OptionCheck.OfTrainer(
                Pretrained is null || Architecture == ResNetArchitecture.ResNet18 || Architecture == Network,
                Architecture.Name, $"left out, as the pretrained weights '{Pretrained}' are those of {Network}", nameof(Architecture));
            if (StartWeights is { } start)
            {
                // Says which tensors do not fit, if they do not.
                var side = Network.DefaultImageSize;
                var expected = InputShape ?? new ImageShape(3, side, side);
                StartingWeights.Fit(start, LayerPlan.Create(Network, expected, classCount: 2));
            }

            if (InputShape is { } shape)
            {
                // Also says if the image is too small for the network.
                LayerPlan.Create(Network, shape, classCount: 2);
                CheckShape(shape);
            }
        }

        /// <summary>Checks what depends on whether an image has any number of labels.</summary>
        internal void CheckLabels(bool isMultilabel)
        {
            const string several = "where the label column holds any number of labels for an image";
            OptionCheck.OfTrainer(!isMultilabel || RejectUnknown is null, RejectUnknown, $"null {several}: an image may have none");
            OptionCheck.OfTrainer(
                !isMultilabel || Recipe.ClassBalance != ClassBalance.Sampling,
                Recipe.ClassBalance, $"Weights or None {several}: drawing a rare label's images draws their other labels too",
                "Recipe.ClassBalance");
        }

        /// <summary>Checks what depends on the shape that the network reads.</summary>
        internal void CheckShape(ImageShape shape)
        {
            OptionCheck.OfTrainer(
                PixelMean is null || PixelMean.Value.Length == shape.Channels && PixelStandardDeviation!.Value.Length == shape.Channels,
                PixelMean, $"one value for each of the image's {shape.Channels} channels, as must be PixelStandardDeviation");
            OptionCheck.OfTrainer(
                Recipe.ColorNoise == 0 || shape.Channels == 3,
                Recipe.ColorNoise, $"0 for images of {shape.Channels} channels: colour noise needs three", "Recipe.ColorNoise");
            OptionCheck.OfTrainer(
                Recipe.ImageScales.All(scale => scale == 1) || AugmentationFor(shape) != ImageAugmentation.None,
                Recipe.ImageScales, "1 where images are not augmented, and so have the network's size", "Recipe.ImageScales");
            OptionCheck.OfTrainer(
                !StreamShards || !TrainingRun.SeesFeatures(this, AugmentationFor(shape)),
                StreamShards,
                "false where the Head alone learns, from features that are computed once and kept; or give the recipe an Augmentation "
                + "other than None, and HeadCopies = 1");
        }
    }
}
