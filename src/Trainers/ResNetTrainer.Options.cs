using System.Collections.Immutable;
using Microsoft.ML.ResNet.Trainers.Networks;

namespace Microsoft.ML.ResNet.Trainers;

public sealed partial class ResNetTrainer
{
    /// <summary>Settings of a <see cref="ResNetTrainer"/>. They are checked when the trainer is made, and never written to.</summary>
    public sealed class Options
    {
        /// <summary>Gets the network.</summary>
        /// <value>The default is <see cref="ResNetArchitecture.ResNet18"/>. Small images want <see cref="ResNetArchitecture.ResNet20"/> or its deeper kin.</value>
        public ResNetArchitecture Architecture { get; init; } = ResNetArchitecture.ResNet18;

        /// <summary>Gets the name of the label column, a key.</summary>
        /// <value>The default is <c>Label</c>.</value>
        public string LabelColumnName { get; init; } = "Label";

        /// <summary>Gets the name of the image column: images of any size, or planar vectors of bytes or floats of a known size.</summary>
        /// <value>The default is <c>Image</c>.</value>
        public string ImageColumnName { get; init; } = "Image";

        /// <summary>Gets the name of the column with each example's weight in the loss, a float that is not negative.</summary>
        /// <value>The default is <see langword="null"/>: all examples weigh the same.</value>
        public string? ExampleWeightColumnName { get; init; }

        /// <summary>Gets the shape that the network reads: images are resized to it; vectors must have it.</summary>
        /// <value>
        /// The default is <see langword="null"/>: images in colour, of the size that the network was published with (224×224, or 32×32 for the CIFAR
        /// networks); for vectors the shape in their type, which ExtractPixels puts there. One channel reads images as grayscale.
        /// </value>
        public ImageShape? InputShape { get; init; }

        /// <summary>Gets how often every training image is seen.</summary>
        /// <value>At least 1. The default is 30.</value>
        public int Epochs { get; init; } = 30;

        /// <summary>Gets the images per step. The last steps of an epoch may have one less, so that all are of nearly the same size.</summary>
        /// <value>At least 2, for batch normalization. The default is 128 (He et al., 2016, section 4.2).</value>
        public int BatchSize { get; init; } = 128;

        /// <summary>Gets the learning rate after warm-up.</summary>
        /// <value>Greater than 0. The default is 0.1 (He et al., 2016, section 4.2).</value>
        public double LearningRate { get; init; } = 0.1;

        /// <summary>Gets how the learning rate falls after warm-up.</summary>
        /// <value>The default is <see cref="LearningRateDecay.Step"/>.</value>
        public LearningRateDecay LearningRateDecay { get; init; } = LearningRateDecay.Step;

        /// <summary>Gets the shares of the run at which the learning rate drops, where it falls in steps.</summary>
        /// <value>Ascending, between 0 and 1. The default is 0.5 and 0.75: the paper's 32k and 48k of 64k steps (section 4.2).</value>
        public ImmutableArray<double> LearningRateDrops { get; init; } = [0.5, 0.75];

        /// <summary>Gets what the learning rate is multiplied by at each drop.</summary>
        /// <value>Greater than 0, at most 1. The default is 0.1.</value>
        public double LearningRateDropFactor { get; init; } = 0.1;

        /// <summary>Gets the epochs over which the learning rate grows linearly from nearly 0; parts of an epoch count.</summary>
        /// <value>0 up to the number of epochs. The default is 0.</value>
        public double WarmupEpochs { get; init; }

        /// <summary>Gets the share of the velocity that each step keeps.</summary>
        /// <value>0 up to, not including, 1. The default is 0.9.</value>
        public double Momentum { get; init; } = 0.9;

        /// <summary>Gets the strength of the pull of all parameters towards zero.</summary>
        /// <value>0 or more. The default is 0.0001.</value>
        public double WeightDecay { get; init; } = 1e-4;

        /// <summary>Gets how training images are varied.</summary>
        /// <value>The default is <see cref="ImageAugmentation.Auto"/>.</value>
        public ImageAugmentation Augmentation { get; init; } = ImageAugmentation.Auto;

        /// <summary>Gets whether augmentation mirrors half of the images. Not for digits, text, or anything else whose mirror image means something else.</summary>
        /// <value>The default is <see langword="true"/>.</value>
        public bool HorizontalFlip { get; init; } = true;

        /// <summary>Gets the mean of the pixels per channel, 0 to 255 for images.</summary>
        /// <value>The default is <see langword="null"/>: measured on the training images. Given together with <see cref="PixelStandardDeviation"/>.</value>
        public ImmutableArray<float>? PixelMean { get; init; }

        /// <summary>Gets the standard deviation of the pixels per channel, 0 to 255 for images.</summary>
        /// <value>The default is <see langword="null"/>: measured on the training images.</value>
        public ImmutableArray<float>? PixelStandardDeviation { get; init; }

        /// <summary>Gets the share of the images of each class that is held out to validate on, where no validation data is given to Fit.</summary>
        /// <value>0, which turns validation off, up to but not including 1. The default is 0.1.</value>
        public double ValidationFraction { get; init; } = 0.1;

        /// <summary>Gets what to do with images that cannot be read.</summary>
        /// <value>The default is <see cref="BadImageHandling.Fail"/>.</value>
        public BadImageHandling OnBadImage { get; init; } = BadImageHandling.Fail;

        /// <summary>Gets the number format that convolutions compute in.</summary>
        /// <value>The default is <see cref="TrainingPrecision.Auto"/>.</value>
        public TrainingPrecision Precision { get; init; } = TrainingPrecision.Auto;

        /// <summary>Gets the threads that Torch computes with. With one thread, and a precision other than Auto, the same seed gives the same weights to the bit.</summary>
        /// <value>At least 1. The default is <see langword="null"/>: Torch's own choice, one per core.</value>
        public int? ThreadCount { get; init; }

        /// <summary>Gets the seed of all randomness: initial weights, order, augmentation and the validation split.</summary>
        /// <value>The default is <see langword="null"/>: the seed of the MLContext, or a fresh one if it has none. <see cref="TrainingHistory.Seed"/> tells which.</value>
        public int? Seed { get; init; }

        /// <summary>Gets the weights to start from, instead of random ones.</summary>
        /// <value>
        /// The default is <see langword="null"/>: He initialization. The head is initialized anew where the number of classes differs, and the first
        /// convolution is adapted where the number of channels does. Their preprocessing, where they carry one, is kept.
        /// </value>
        public ResNetWeights? InitialWeights { get; init; }

        /// <summary>Gets which part of the network is trained.</summary>
        /// <value>The default is <see cref="TrainableLayers.All"/>.</value>
        public TrainableLayers TrainableLayers { get; init; } = TrainableLayers.All;

        /// <summary>
        /// Gets the epochs after which one more stage is trained, from the head towards the image, until <see cref="TrainableLayers"/> are
        /// (gradual unfreezing: Howard and Ruder, 2018, section 3.3).
        /// </summary>
        /// <value>0 or more. The default is 0: all trainable layers from the first epoch on.</value>
        public int EpochsPerUnfreezing { get; init; }

        /// <summary>Gets what the learning rate is multiplied by per block on the way from the head to the image: a rate per depth.</summary>
        /// <value>Greater than 0, at most 1. The default is 1: the same rate everywhere.</value>
        public double LayerDecay { get; init; } = 1;

        /// <summary>Gets who is told how training goes. Called on the training thread, which waits.</summary>
        /// <value>The default is <see langword="null"/>.</value>
        public IProgress<TrainingProgress>? Progress { get; init; }

        /// <summary>Gets the token that stops training, within one step, with an <see cref="OperationCanceledException"/>.</summary>
        /// <value>The default never does.</value>
        public CancellationToken CancellationToken { get; init; }

        internal ImageAugmentation AugmentationFor(ImageShape shape)
        {
            const int largestSmallImage = 48;
            return Augmentation != ImageAugmentation.Auto ? Augmentation
                : TrainableLayers == TrainableLayers.Head ? ImageAugmentation.None
                : Math.Max(shape.Height, shape.Width) <= largestSmallImage ? ImageAugmentation.CropAndFlip
                : ImageAugmentation.ResizedCropAndFlip;
        }

        /// <summary>Checks every option by itself; what depends on the data is checked in Fit.</summary>
        internal void Validate()
        {
            ArgumentNullException.ThrowIfNull(Architecture);
            ArgumentException.ThrowIfNullOrWhiteSpace(LabelColumnName);
            ArgumentException.ThrowIfNullOrWhiteSpace(ImageColumnName);
            Check(Epochs >= 1, Epochs, "at least 1");
            Check(BatchSize >= 2, BatchSize, "at least 2, for batch normalization");
            Check(LearningRate > 0 && double.IsFinite(LearningRate), LearningRate, "a finite number greater than 0");
            Check(!LearningRateDrops.IsDefault && LearningRateDrops.All(share => share is > 0 and < 1) && LearningRateDrops.SequenceEqual(LearningRateDrops.Order()),
                LearningRateDrops, "ascending shares of the run between 0 and 1");
            Check(Enum.IsDefined(LearningRateDecay), LearningRateDecay, "one of the values of LearningRateDecay");
            Check(LearningRateDropFactor is > 0 and <= 1, LearningRateDropFactor, "greater than 0 and at most 1");
            Check(WarmupEpochs >= 0 && WarmupEpochs <= Epochs, WarmupEpochs, $"0 to the number of epochs, {Epochs}");
            Check(Momentum is >= 0 and < 1, Momentum, "at least 0 and less than 1");
            Check(WeightDecay >= 0 && double.IsFinite(WeightDecay), WeightDecay, "a finite number, 0 or more");
            Check(ValidationFraction is >= 0 and < 1, ValidationFraction, "at least 0 and less than 1");
            Check(Enum.IsDefined(TrainableLayers), TrainableLayers, "one of the values of TrainableLayers");
            Check(EpochsPerUnfreezing >= 0, EpochsPerUnfreezing, "0 or more");
            Check(LayerDecay is > 0 and <= 1, LayerDecay, "greater than 0 and at most 1");
            Check(ThreadCount is null or >= 1, ThreadCount, "at least 1, or null");
            Check(Enum.IsDefined(Augmentation), Augmentation, "one of the values of ImageAugmentation");
            Check(Enum.IsDefined(OnBadImage), OnBadImage, "one of the values of BadImageHandling");
            Check(Enum.IsDefined(Precision), Precision, "one of the values of TrainingPrecision");
            Check(PixelMean is null == PixelStandardDeviation is null, PixelStandardDeviation, "given together with PixelMean, or not at all");
            Check(PixelStandardDeviation is null || PixelStandardDeviation.Value.All(deviation => deviation > 0 && float.IsFinite(deviation)), PixelStandardDeviation, "finite and greater than 0");
            Check(PixelMean is null || PixelMean.Value.All(float.IsFinite), PixelMean, "finite");
            if (InitialWeights is not null)
            {
                // Says which tensors do not fit, if they do not.
                var side = Architecture.DefaultImageSize;
                StartingWeights.Fit(InitialWeights, LayerPlan.Create(Architecture, InputShape ?? new ImageShape(3, side, side), classCount: 2));
            }

            if (InputShape is { } shape)
            {
                // Also says if the image is too small for the network.
                LayerPlan.Create(Architecture, shape, classCount: 2);
                CheckChannels(PixelMean, shape);
            }
        }

        internal void CheckChannels(ImmutableArray<float>? perChannel, ImageShape shape) =>
            Check(perChannel is null || perChannel.Value.Length == shape.Channels && PixelStandardDeviation!.Value.Length == shape.Channels, PixelMean,
                $"one value for each of the image's {shape.Channels} channels, as must be PixelStandardDeviation");

        private static void Check(bool holds, object? value, string range, [System.Runtime.CompilerServices.CallerArgumentExpression(nameof(value))] string name = "")
        {
            if (!holds)
            {
                throw new ArgumentOutOfRangeException(name, value, $"Option {name} must be {range}.");
            }
        }
    }
}
