using System.Collections.Immutable;
using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers;

public sealed partial class ResNetTrainer
{
    /// <summary>Settings of a <see cref="ResNetTrainer"/>. They are checked when the trainer is made, and never written to.</summary>
    public sealed partial class Options
    {
        private readonly Lazy<ResNetWeights?>? _pretrained;

        /// <summary>Gets the network.</summary>
        /// <value>
        /// The default is <see cref="ResNetArchitecture.ResNet18"/>. For small images use <see cref="ResNetArchitecture.ResNet20"/> or one
        /// of the deeper networks of its family, such as <see cref="ResNetArchitecture.ResNet56"/>.
        /// </value>
        public ResNetArchitecture Architecture { get; init; } = ResNetArchitecture.ResNet18;

        /// <summary>
        /// Gets the name of the label column: a key; or, where an image has any number of labels, a vector of keys, or of Booleans or zeros
        /// and ones, one for each label.
        /// </summary>
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
        /// The default is <see langword="null"/>: images in colour, of the size that the network was published with (224×224, or 32×32 for
        /// the CIFAR networks); for vectors the shape in their type, which ExtractPixels puts there. One channel reads images as grayscale.
        /// </value>
        public ImageShape? InputShape { get; init; }

        /// <summary>Gets how the network is trained.</summary>
        /// <value>The default is <see cref="TrainingRecipe.Modern"/>.</value>
        public TrainingRecipe Recipe { get; init; } = TrainingRecipe.Modern;

        /// <summary>Gets how often every training image is seen.</summary>
        /// <value>At least 1. The default is <see langword="null"/>: what <see cref="Recipe"/> says.</value>
        public int? Epochs { get; init; }

        /// <summary>Gets the images per batch.</summary>
        /// <value>At least 2. The default is <see langword="null"/>: what <see cref="Recipe"/> says.</value>
        public int? BatchSize { get; init; }

        /// <summary>Gets the learning rate after warm-up.</summary>
        /// <value>Greater than 0. The default is <see langword="null"/>: what <see cref="Recipe"/> says.</value>
        public double? LearningRate { get; init; }

        /// <summary>Gets the mean of the pixels per channel, 0 to 255 for images.</summary>
        /// <value>
        /// The default is <see langword="null"/>: measured on the training images. Given together with <see
        /// cref="PixelStandardDeviation"/>.
        /// </value>
        public ImmutableArray<float>? PixelMean { get; init; }

        /// <summary>Gets the standard deviation of the pixels per channel, 0 to 255 for images.</summary>
        /// <value>The default is <see langword="null"/>: measured on the training images.</value>
        public ImmutableArray<float>? PixelStandardDeviation { get; init; }

        /// <summary>Gets the data to validate on after every epoch, as it comes to the pipeline.</summary>
        /// <remarks>
        /// <para>The stages of the pipeline that stand before the trainer are applied to it, as they were fitted to the training data: give
        /// it as you give the training data to the pipeline's Fit, with the same columns. Of what was done to the training data before,
        /// such as a filter or a split, nothing is done to it. Data that the stages have gone over already, with the columns that the
        /// trainer is given, is taken as it is.</para>
        /// <para><see cref="Fit(IDataView, IDataView)"/> takes validation data too, and does not look here.</para>
        /// </remarks>
        /// <value>The default is <see langword="null"/>: <see cref="ValidationFraction"/> of the training data.</value>
        public IDataView? ValidationData { get; init; }

        /// <summary>
        /// Gets the share of the images of each class that is held out to validate on, where no validation data is given.
        /// </summary>
        /// <value>0, which turns validation off, up to but not including 1. The default is 0.1.</value>
        public double ValidationFraction { get; init; } = 0.1;

        /// <summary>Gets what to do with images that cannot be read.</summary>
        /// <value>The default is <see cref="BadImageHandling.Fail"/>.</value>
        public BadImageHandling OnBadImage { get; init; } = BadImageHandling.Fail;

        /// <summary>
        /// Gets the most pixels that an image may have: one with more is not decoded, and is a bad image. The header of its file tells.
        /// </summary>
        /// <remarks>
        /// A file of a hundred bytes may claim a billion pixels. Decoding takes 4 bytes for each, and 10 in a progressive JPEG, on each
        /// core at once.
        /// </remarks>
        /// <value>
        /// 1 to 536,870,911. The default is <see langword="null"/>: 178,956,970, or a 32nd of the bytes of memory that the process may
        /// take, whichever is less. It holds for images that LoadImages reads from files, not for those that come decoded.
        /// </value>
        public long? MaxImagePixels { get; init; }

        /// <summary>Gets whether photographs are turned as their EXIF orientation says, in training and validation.</summary>
        /// <remarks>
        /// Cameras store what the sensor saw, and how they were held; viewers turn the photograph, and ML.NET does not. A saved model reads
        /// files by ML.NET's LoadImages: it sees them as they are stored. So set it where images are turned before they are scored, as
        /// <see cref="ResNetImage.Load"/> does when asked to.
        /// </remarks>
        /// <value>
        /// The default is <see langword="false"/>; a warning tells where photographs are stored turned. It holds for images that LoadImages
        /// reads from files.
        /// </value>
        public bool ApplyExifOrientation { get; init; }

        /// <summary>Gets how many bytes of decoded images are kept in memory.</summary>
        /// <remarks>
        /// What is more goes into a file that is read as memory is: in <see cref="CheckpointFolder"/>, or where there is none in the
        /// system's folder for temporary files. Only this user can read it, and it is gone when Fit returns or the process ends. What the
        /// disk has no room for, a gigabyte being left free, is decoded anew in each epoch, if images come straight from files by
        /// LoadImages; other data is an error then. Where images are kept changes no result.
        /// <para>An image takes a byte per pixel and channel, at the size that it is augmented from: 3 kB at 32×32, about 0.4 MB for the
        /// random crops of 224×224.</para>
        /// </remarks>
        /// <value>
        /// 0 or more; 0 keeps none in memory. The default is <see langword="null"/>: half of the memory that the process may still take
        /// when Fit begins to read.
        /// </value>
        public long? CacheBytes { get; init; }

        /// <summary>
        /// Gets whether the training images of <see cref="ResNetCatalog.LoadImageShards"/> are read anew from their shards in each epoch,
        /// and never kept: for data that fit neither into memory nor on the disk.
        /// </summary>
        /// <remarks>
        /// <para>Before the first epoch, every image is decoded once, for its size, the mean and the deviation; 40 bytes of each remain.
        /// Each epoch then takes the shards in an order drawn from the seed and the epoch, and mixes images within a buffer: see <see
        /// cref="ImageShardOptions.ShuffleBuffer"/> and <see cref="ImageShardOptions.ShuffleBufferBytes"/>, which bound the memory. All
        /// cores decode ahead of the training step. The same seed gives the same weights, and a training that goes on from a checkpoint
        /// those of an uninterrupted one; they are other weights than with images that are kept, whose order is drawn over all.</para>
        /// <para>Validation images are kept. <see cref="ClassBalance.Sampling"/>, <see cref="FitHeadFirst"/> and a head on features, which
        /// need images in any order, cannot be had. Between the shards and the trainer may be stages that change columns, but no filter.
        /// </para>
        /// </remarks>
        /// <value>The default is <see langword="false"/>: images are kept.</value>
        public bool StreamShards { get; init; }

        /// <summary>Gets the number format that convolutions compute in.</summary>
        /// <value>The default is <see cref="TrainingPrecision.Auto"/>.</value>
        public TrainingPrecision Precision { get; init; } = TrainingPrecision.Auto;

        /// <summary>
        /// Gets the threads that Torch computes with. With one thread, and a precision other than Auto, the same seed gives the same
        /// weights to the bit.
        /// </summary>
        /// <value>At least 1. The default is <see langword="null"/>: Torch's own choice, one per core.</value>
        public int? ThreadCount { get; init; }

        /// <summary>
        /// Gets whether processes that <c>mpirun</c> or <c>srun --mpi=pmix</c> started train one network together: each computes a slice
        /// of every batch, and gradients and the statistics of batch normalization are added up over all.
        /// </summary>
        /// <remarks>
        /// <see cref="BatchSize"/> is that of all processes together. Every process is given the same data, decodes and keeps its share of
        /// the images, and gets the same model; rank 0 alone writes checkpoints and the log, and reports progress. A process that fails
        /// ends all.
        /// </remarks>
        /// <value>The default is <see cref="DistributedTraining.Auto"/>.</value>
        public DistributedTraining Distributed { get; init; } = DistributedTraining.Auto;

        /// <summary>Gets the processor that the network is trained on.</summary>
        /// <remarks>
        /// Weights, batches, the optimizer's state and averages lie there; images are decoded and augmented on the CPU, and the next batch
        /// is copied while the current one is computed. Checkpoints are of no device: a run goes on from them on another one, to the same
        /// weights within rounding. Random numbers are those of the seed on every device; sums on a GPU are not the same to the bit each
        /// time. We have not run this on a GPU.
        /// </remarks>
        /// <value>The default is <see cref="TrainingDevice.Auto"/>.</value>
        public TrainingDevice Device { get; init; } = TrainingDevice.Auto;

        /// <summary>Gets whether, where processes train together, the statistics of batch normalization are those of the whole batch.
        /// </summary>
        /// <remarks>
        /// Without, each process normalizes by its own images, as PyTorch's DistributedDataParallel does: it then waits for the others
        /// once a step, and not twice for each normalization. Each should have 16 images or more. The statistics that are validated and
        /// saved are rank 0's.
        /// </remarks>
        /// <value>The default is <see langword="true"/>: results do not depend on how a batch is shared out.</value>
        public bool SyncBatchNorm { get; init; } = true;

        /// <summary>Gets the number format in which processes that train together send each other gradients, while the backward pass still
        /// runs.</summary>
        /// <value>The default is <see cref="GradientExchange.Float32"/>. One process alone sends none.</value>
        public GradientExchange GradientExchange { get; init; } = GradientExchange.Float32;

        /// <summary>Gets the seed of all randomness: initial weights, order, augmentation and the validation split.</summary>
        /// <value>
        /// The default is <see langword="null"/>: the seed of the MLContext, or a fresh one if it has none. <see
        /// cref="TrainingHistory.Seed"/> tells which.
        /// </value>
        public int? Seed { get; init; }

        /// <summary>Gets the weights to start from, instead of random ones.</summary>
        /// <value>
        /// The default is <see langword="null"/>: He initialization. The head is initialized anew where the number of classes differs, and
        /// the first convolution is adapted where the number of channels does. Their preprocessing, where they carry one, is kept.
        /// </value>
        public ResNetWeights? InitialWeights { get; init; }

        /// <summary>Gets the name of weights to start from that are on this machine: <see cref="ResNetWeights.Pretrained"/>.</summary>
        /// <remarks>
        /// For <c>resnet18</c>, the package <c>Microsoft.ML.DnnImageFeaturizer.ResNet18</c> puts them beside the program. The network is
        /// theirs, and so is how pixels become its input.
        /// </remarks>
        /// <value>
        /// The default is <see langword="null"/>: <see cref="InitialWeights"/>, or random ones. Given, <see cref="Architecture"/> and
        /// <see cref="InitialWeights"/> are left as they are.
        /// </value>
        public string? Pretrained
        {
            get;
            init
            {
                field = value;
                _pretrained = new Lazy<ResNetWeights?>(() => value is null ? null : ResNetWeights.Pretrained(value));
            }
        }

        /// <summary>Gets which part of the network is trained.</summary>
        /// <value>The default is <see cref="TrainableLayers.All"/>.</value>
        public TrainableLayers TrainableLayers { get; init; } = TrainableLayers.All;

        /// <summary>
        /// Gets whether the head is fitted to the features of the network that training starts from, before the rest is trained: a few
        /// seconds, and no rate to choose (logistic regression). A new head's first steps then do not spoil what the network has learnt.
        /// </summary>
        /// <value>The default is <see langword="false"/>. It needs <see cref="Pretrained"/> or <see cref="InitialWeights"/>.</value>
        public bool FitHeadFirst { get; init; }

        /// <summary>
        /// Gets how often each image is seen where the head learns from features, which are computed once: as it is, and then augmented as
        /// the recipe says, each time in another way.
        /// </summary>
        /// <value>
        /// At least 1. The default is 1: no augmentation. It holds for <see cref="FitHeadFirst"/> and <see cref="TrainableLayers.Head"/>.
        /// </value>
        public int HeadCopies { get; init; } = 1;

        /// <summary>
        /// Gets whether batch normalization of trained layers, too, uses the statistics of the weights that training starts from, and
        /// leaves them as they are. A few hundred images are too few to measure better ones, and their batches differ much; scales and
        /// shifts are trained.
        /// </summary>
        /// <value>
        /// The default is <see langword="false"/>: each batch's own, and their running average for scoring. It needs <see
        /// cref="Pretrained"/> or <see cref="InitialWeights"/>.
        /// </value>
        public bool KeepBatchNormStatistics { get; init; }

        /// <summary>
        /// Gets the epochs after which one more stage is trained, from the head towards the image, until <see cref="TrainableLayers"/> are
        /// (gradual unfreezing: Howard and Ruder, 2018, section 3.3).
        /// </summary>
        /// <value>0 or more. The default is 0: all trainable layers from the first epoch on.</value>
        public int EpochsPerUnfreezing { get; init; }

        /// <summary>
        /// Gets what the learning rate is multiplied by per block on the way from the head to the image: a rate per depth.
        /// </summary>
        /// <value>Greater than 0, at most 1. The default is 1: the same rate everywhere.</value>
        public double LayerDecay { get; init; } = 1;

        /// <summary>
        /// Gets the folder that checkpoints are written to, so that training can be stopped at any moment and go on where it was.
        /// </summary>
        /// <remarks>
        /// A checkpoint is written after every epoch, every <see cref="CheckpointInterval"/>, and when training is cancelled or out of
        /// time. It is a safetensors file with the weights, the optimizer's state, averages, counters and the seed. The same pipeline on
        /// the same data, started again, ends with the weights that it would have had without the stop. A folder is for one run:
        /// CrossValidate, which trains several times, must not have one.
        /// </remarks>
        /// <value>The default is <see langword="null"/>: no checkpoints. The folder is made if it does not exist.</value>
        public string? CheckpointFolder { get; init; }

        /// <summary>Gets the longest time between two checkpoints within an epoch.</summary>
        /// <value>Greater than 0. The default is ten minutes.</value>
        public TimeSpan CheckpointInterval { get; init; } = TimeSpan.FromMinutes(10);

        /// <summary>Gets how many checkpoints are kept, the newest ones; that of the best epoch is kept besides.</summary>
        /// <value>At least 1. The default is 2, so that a damaged one leaves another.</value>
        public int CheckpointsToKeep { get; init; } = 2;

        /// <summary>Gets whether training goes on from a checkpoint in <see cref="CheckpointFolder"/>.</summary>
        /// <value>The default is <see cref="Resume.Auto"/>.</value>
        public Resume Resume { get; init; } = Resume.Auto;

        /// <summary>
        /// Gets the time after which a call of Fit stops training, within one step, and returns the network that it has by then.
        /// </summary>
        /// <value>Greater than 0. The default is <see langword="null"/>: no limit. With checkpoints, the next call goes on.</value>
        public TimeSpan? MaxDuration { get; init; }

        /// <summary>
        /// Gets the folder that training is logged to while it goes: <c>history.csv</c>, <c>history.json</c>, and event files for
        /// TensorBoard.
        /// </summary>
        /// <value>
        /// The default is <see langword="null"/>: no log. The folder is made if it does not exist. It is for one run: what another one left
        /// there is replaced.
        /// </value>
        public string? LogFolder { get; init; }

        /// <summary>
        /// Gets whether probabilities are calibrated: a temperature is fitted on the validation images and divided into the head (Guo et
        /// al., 2017). The predicted class never changes.
        /// </summary>
        /// <value>The default is <see langword="false"/>. Needs validation images.</value>
        public bool Calibrate { get; init; }

        /// <summary>
        /// Gets the share of the validation images that the classifier may take for images of no class. With it, the model has a column
        /// <c>IsUnknown</c>: true where no class's probability is above a threshold, the highest one that rejects at most this share.
        /// </summary>
        /// <remarks>
        /// <para>A classifier has an answer to every image, also to one of a kind that it never saw. The probability of its answer tells
        /// the two apart somewhat (Hendrycks and Gimpel, 2017), better with <see cref="Calibrate"/>. What share of images of no class is
        /// rejected depends on the data: measure it with images of your own.</para>
        /// <para>The column is part of what is saved, in ML.NET's own stages: Score and PredictedLabel are as without it.</para>
        /// </remarks>
        /// <value>
        /// Greater than 0, less than 1; 0.05 is usual. The default is <see langword="null"/>: no such column. Needs validation images.
        /// </value>
        public double? RejectUnknown { get; init; }

        /// <summary>Gets what receives reports of training's progress. It is called on the training thread, which waits for it.</summary>
        /// <value>The default is <see langword="null"/>.</value>
        public IProgress<TrainingProgress>? Progress { get; init; }

        /// <summary>
        /// Gets the number of validation images of which <see cref="Progress"/> is told, at the end of each epoch, what the network
        /// predicts: see <see cref="TrainingProgress.Samples"/>.
        /// </summary>
        /// <remarks>They are spread evenly over the validation images, and the same ones in every epoch. They cost no time: all of these
        /// images are validated anyway.</remarks>
        /// <value>0 or more. The default is 0. Without validation images there are none.</value>
        public int SamplePredictions { get; init; }

        /// <summary>Gets the token that stops training, within one step, with an <see cref="OperationCanceledException"/>.</summary>
        /// <value>The default never does.</value>
        public CancellationToken CancellationToken { get; init; }

        /// <summary>Gets the weights to start from, given or found by their name; null for random ones.</summary>
        internal ResNetWeights? StartWeights => InitialWeights ?? _pretrained?.Value;

        /// <summary>Gets the network that is trained: that of the pretrained weights, where such are asked for.</summary>
        internal ResNetArchitecture Network => _pretrained?.Value?.Architecture ?? Architecture;

        /// <summary>Gets the bytes of a disk that are left free.</summary>
        internal long DiskReserve { get; init; } = PixelFile.DefaultReserve;

        /// <summary>Gets the recipe with what the options themselves say.</summary>
        internal TrainingRecipe EffectiveRecipe => Recipe with
        {
            Epochs = Epochs ?? Recipe.Epochs,
            Steps = Epochs is null ? Recipe.Steps : null,
            BatchSize = BatchSize ?? Recipe.BatchSize,
            LearningRate = LearningRate ?? Recipe.LearningRate,
        };

        /// <summary>Gets the names of the columns that are read.</summary>
        internal TrainingColumnNames ColumnNames => new(LabelColumnName, ImageColumnName, ExampleWeightColumnName);

        /// <summary>Gets the memory and disk space that decoded images may use.</summary>
        internal CacheLimits CacheLimits => new(CacheBytes, CheckpointFolder ?? Path.GetTempPath(), DiskReserve);

        /// <summary>Gets the same for each of several processes on one machine.</summary>
        internal CacheLimits CacheLimitsOfEach(int processes) =>
            CacheLimits with { MemoryBytes = (CacheBytes ?? Interop.AvailableMemory.Bytes() / 2) / processes };

        /// <summary>Gets the mean and deviation of pixels, where they are given.</summary>
        internal PixelStatistics? PixelStatistics => (PixelMean, PixelStandardDeviation) is ({ } mean, { } deviation)
            ? new PixelStatistics(mean, deviation)
            : null;

        internal ImageAugmentation AugmentationFor(ImageShape shape) =>
            Recipe.Augmentation != ImageAugmentation.Auto ? Recipe.Augmentation
            : TrainableLayers == TrainableLayers.Head && HeadCopies == 1 ? ImageAugmentation.None
            : Math.Max(shape.Height, shape.Width) <= CropAndFlip.LargestImage ? ImageAugmentation.CropAndFlip
            : ImageAugmentation.ResizedCropAndFlip;

        /// <summary>Gets whether each of several processes keeps its share of the images: not where each computes the features of all.
        /// </summary>
        internal bool SharesImages(ImageShape shape) => !FitHeadFirst && !TrainingRun.SeesFeatures(this, AugmentationFor(shape));
    }
}
