using System.Diagnostics;
using System.Numerics;
using Microsoft.ML.ResNet.Files;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Interop;
using Microsoft.ML.ResNet.Onnx;
using Microsoft.ML.ResNet.Scoring;
using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Checkpoints;
using Microsoft.ML.ResNet.Trainers.Data;
using Microsoft.ML.ResNet.Trainers.Devices;
using Microsoft.ML.ResNet.Trainers.Distributed;
using Microsoft.ML.ResNet.Trainers.Log;
using Microsoft.ML.ResNet.Trainers.Loop;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.ResNet.Trainers;

/// <summary>Trains a residual network on images, end to end, by stochastic gradient descent.</summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// | Trainer characteristics | |
/// | -- | -- |
/// | Machine learning task | Multiclass classification; multilabel classification |
/// | Input image | `MLImage` of any size, or a planar vector of bytes or floats |
/// | Input label | Key; for several labels per image a vector of keys, or of Booleans or zeros and ones for each label |
/// | Input example weight | Float, optional |
/// | Output Score | Vector of float: a probability per class |
/// | Output PredictedLabel | Key with the label's values; for several labels per image a vector of Booleans |
/// | Output IsUnknown | Bool, with `Options.RejectUnknown` |
/// | Is normalization required? | No: mean and standard deviation are measured, and part of the model |
/// | Is caching required? | No: images are decoded once and kept, in memory up to `Options.CacheBytes` and then on disk |
/// | Can it train on more than the disk holds? | Yes: shards are read anew in each epoch, with `Options.StreamShards` |
/// | Required NuGet in addition to Microsoft.ML | Microsoft.ML.ResNet.Trainers, and a libtorch package; Microsoft.ML.OnnxRuntime to score |
/// | Exportable to ONNX | Yes: `ResNetClassificationTransformer.ExportOnnx` |
/// ]]></format>
/// </remarks>
public sealed partial class ResNetTrainer : IEstimator<ResNetClassificationTransformer>
{
    private readonly IHostEnvironment _environment;
    private readonly IHost _host;
    private readonly Options _options;

    internal ResNetTrainer(IHostEnvironment environment, Options options)
    {
        ArgumentNullException.ThrowIfNull(environment);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        _environment = environment;
        _host = environment.Register(nameof(ResNetTrainer));
        _options = options;
    }

    /// <summary>
    /// Trains, and validates after every epoch on <see cref="Options.ValidationData"/>; without it, on a share of the data: see <see
    /// cref="Options.ValidationFraction"/>.
    /// </summary>
    /// <param name="input">The training data.</param>
    /// <returns>The trained classifier.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of the wrong type.</exception>
    /// <exception cref="InvalidOperationException">There is no data, a class without images, or no such device as the options ask
    /// for.</exception>
    /// <exception cref="DllNotFoundException">The application has no libtorch, none for CUDA where that is asked for, or no ONNX Runtime;
    /// the message names the package to add.</exception>
    /// <exception cref="BadImageException">An image cannot be read, and the options do not say to skip it.</exception>
    /// <exception cref="TrainingDivergedException">The loss was not finite in the first epoch.</exception>
    /// <exception cref="OperationCanceledException">The options' token asked to stop.</exception>
    public ResNetClassificationTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return Fit(input, _options.ValidationData is { } data ? Prepare(data, input) : null);
    }

    /// <summary>Trains on all of the data, and validates on other data after every epoch.</summary>
    /// <param name="input">The training data.</param>
    /// <param name="validation">The validation data, with the same columns; null for a share of the training data.</param>
    /// <returns>The trained classifier.</returns>
    /// <inheritdoc cref="Fit(IDataView)" path="/exception"/>
    public ResNetClassificationTransformer Fit(IDataView input, IDataView? validation)
    {
        ArgumentNullException.ThrowIfNull(input);
        var columns = Bind(input.Schema);
        if (validation is not null)
        {
            CheckSameColumns(columns, Bind(validation.Schema));
        }

        return columns.Image.Source == PixelSource.FloatVector
            ? Fit<float>(input, validation, columns)
            : Fit<byte>(input, validation, columns);
    }

    /// <summary>
    /// Searches for a good learning rate: trains for some steps at an ever higher rate, and watches the loss. The network is discarded.
    /// </summary>
    /// <param name="input">The training data.</param>
    /// <param name="steps">The steps to take; at least 10. More of them smooth better; 100 take a few seconds on small images.</param>
    /// <returns>The losses, and a rate to put into the options.</returns>
    /// <inheritdoc cref="Fit(IDataView)" path="/exception"/>
    public LearningRateSearch FindLearningRate(IDataView input, int steps = 100)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 10);
        var columns = Bind(input.Schema);
        return columns.Image.Source == PixelSource.FloatVector
            ? FindLearningRate<float>(input, columns, steps)
            : FindLearningRate<byte>(input, columns, steps);
    }

    /// <summary>Draws the first batch of training as the network will see it, augmented, into one picture. Nothing is trained.</summary>
    /// <remarks>A look at it tells whether the recipe's augmentation leaves what makes a class. It shows up to 64 images.</remarks>
    /// <param name="path">The PNG file to write; an existing one is replaced.</param>
    /// <param name="input">The training data.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <inheritdoc cref="Fit(IDataView)" path="/exception"/>
    public void WritePreview(string path, IDataView input)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(input);
        var columns = Bind(input.Schema);
        WholeFile.Write(path, stream =>
        {
            if (columns.Image.Source == PixelSource.FloatVector)
            {
                WritePreview<float>(input, columns, stream);
            }
            else
            {
                WritePreview<byte>(input, columns, stream);
            }
        });
    }

    /// <summary>Gets the columns that the trained classifier will add, and checks those that it needs.</summary>
    /// <param name="inputSchema">The shape of the data's schema.</param>
    /// <returns>The input's columns, Score and PredictedLabel; and IsUnknown, if the options ask for it.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of the wrong type.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        var label = TrainingColumns.Check(inputSchema, _options.ColumnNames);
        _options.CheckLabels(LabelColumn.HasSeveral(label));
        return OutputColumns.AddTo(inputSchema, label, ScoreColumns.Default, hasUnknown: _options.RejectUnknown is not null);
    }

    private ResNetClassificationTransformer Fit<T>(IDataView input, IDataView? validation, TrainingColumns columns)
        where T : unmanaged, INumberBase<T>
    {
        var started = Stopwatch.GetTimestamp();
        TorchRuntime.Initialize();
        ScoringPrerequisites.Check();
        var ranks = TrainingJob.Join(_options.Distributed);
        var device = DeviceChoice.Of(_options.Device, TorchDevices.OfProcess, ranks.Size);

        return TrainingJob.Run(
            ranks,
            () => Fit<T>(input, validation, columns, started, ranks, device),
            isCommon: exception => exception is TrainingDivergedException or JobCanceledException);
    }

    // Rank 0 alone writes checkpoints and the log, and tells how training goes.
    private ResNetClassificationTransformer Fit<T>(
        IDataView input, IDataView? validation, TrainingColumns columns, long started, ICollective ranks, TrainingDevice device)
        where T : unmanaged, INumberBase<T>
    {
        var isFirst = ranks.Rank == 0;
        using var reporter = new TrainingReporter(_host, isFirst ? _options.Progress : null, isFirst ? _options.LogFolder : null)
        {
            IsSilent = !isFirst,
        };
        var plan = LayerPlan.Create(_options.Network, columns.Image.Shape, columns.Label.ClassCount);
        using var checkpoints = isFirst && _options.CheckpointFolder is { } folder
            ? CheckpointFolder.Open(folder, _options.CheckpointsToKeep, _options.Resume, reporter.Warn)
            : null;
        var checkpoint = ranks.OfFirst(checkpoints?.ReadNewest());
        var seed = (int)ranks.OfFirst(_options.Seed ?? _host.GetSeed() ?? checkpoint?.Identity.Seed ?? NewSeed());
        using var images = Read<T>(input, validation, columns, seed, reporter, ranks);
        var run = new TrainingRun(plan, _options, seed, reporter) 
        {
            Started = started,
            Ranks = ranks,
            Tensors = TensorFactory.On(device),
        };
        var (weights, history) = TrainingThread.Run(() => run.Train(images, checkpoints, checkpoint));

        // The environment itself: a host of it does not have its OnnxSessionOptions.
        var model = new ResNetModel(plan, weights, images.Preprocessing);
        return ResNetClassificationTransformer.Create(_environment, input, columns.Image, columns.Label, model, history);
    }

    private LearningRateSearch FindLearningRate<T>(IDataView input, TrainingColumns columns, int steps)
        where T : unmanaged, INumberBase<T>
    {
        TorchRuntime.Initialize();
        var tensors = TensorFactory.On(DeviceChoice.Of(_options.Device, TorchDevices.OfProcess));
        using var reporter = new TrainingReporter(_host, progress: null);
        var plan = LayerPlan.Create(_options.Network, columns.Image.Shape, columns.Label.ClassCount);
        var seed = _options.Seed ?? _host.GetSeed() ?? NewSeed();
        using var images = Read<T>(input, validation: null, columns, seed, reporter);
        return TrainingThread.Run(() => new TrainingRun(plan, _options, seed, reporter) { Tensors = tensors }
            .FindLearningRate(images, steps));
    }

    private TrainingImages<T> Read<T>(
        IDataView input,
        IDataView? validation,
        TrainingColumns columns,
        int seed,
        TrainingReporter reporter,
        ICollective? ranks = null)
        where T : unmanaged, INumberBase<T>
    {
        var clock = Stopwatch.StartNew();
        var cache = ranks is null or { Size: 1 } ? _options.CacheLimits : _options.CacheLimitsOfEach(ranks.SharersOfMemory());
        var decoder = new ImageDecoder(_options.MaxImagePixels, _options.ApplyExifOrientation);
        var reader = new TrainingImageReader<T>(_host, columns, cache, decoder, reporter.Warn)
        {
            KeptScale = InputPipelines.KeptScale(_options.AugmentationFor(columns.Image.Shape), _options.Recipe.ImageScales.Max()),
            OnBadImage = _options.OnBadImage,
            GivenStatistics = _options.PixelStatistics,
            EarlierPreprocessing = _options.StartWeights?.Preprocessing,
            StartsFromRandomWeights = _options.StartWeights is null,
            MeanSubtraction = _options.Recipe.MeanSubtraction,
            Streamed = _options.StreamShards ? ShardSource.Of(_host, input) : null,
            Ranks = _options.SharesImages(columns.Image.Shape) ? ranks ?? Alone.Instance : Alone.Instance,
            CancellationToken = _options.CancellationToken,
        };
        var images = validation is null ? reader.Read(input, _options.ValidationFraction, seed) : reader.Read(input, validation);
        return images with { ReadingTime = clock.Elapsed };
    }

    private IDataView Prepare(IDataView validationData, IDataView input)
    {
        var prepared = PipelineStages.ApplyTo(_environment, input, validationData);
        try
        {
            Bind(prepared.Schema);
        }
        catch (ArgumentOutOfRangeException exception) when (prepared == validationData)
        {
            var columns = validationData.Schema.Where(column => !column.IsHidden).Select(column => $"{column.Name} ({column.Type})");
            throw new ArgumentOutOfRangeException(
                $"ValidationData has the columns {string.Join(", ", columns)}. They are neither those of the data that the pipeline is "
                + "given to fit, nor those that the trainer reads. Load both sets of data in the same way; and leave out "
                + "AppendCacheCheckpoint before the trainer, which keeps decoded images anyway: it hides the stages before it. "
                + exception.Message,
                exception);
        }

        return prepared;
    }

    private TrainingColumns Bind(DataViewSchema schema)
    {
        var columns = TrainingColumns.Bind(schema, _options.ColumnNames, _options.InputShape, _options.Network.DefaultImageSize);
        _options.CheckShape(columns.Image.Shape);
        _options.CheckLabels(columns.Label.IsMultilabel);
        return columns;
    }

    private void WritePreview<T>(IDataView input, TrainingColumns columns, Stream stream)
        where T : unmanaged, INumberBase<T>
    {
        TorchRuntime.Initialize();
        using var reporter = new TrainingReporter(_host, progress: null);
        var seed = _options.Seed ?? _host.GetSeed() ?? NewSeed();
        using var images = Read<T>(input, validation: null, columns, seed, reporter);
        var settings = new TrainingSettings(
            _options.EffectiveRecipe,
            _options.AugmentationFor(columns.Image.Shape),
            TrainingPrecision.Float32,
            new FineTuning(_options.TrainableLayers, _options.EpochsPerUnfreezing, _options.LayerDecay),
            seed)
        {
            LabelSets = images.LabelSets,
        };
        TrainingThread.Run(() =>
        {
            BatchPreview.Write(images, settings, stream);
            return true;
        });
    }

    // The only random number without a seed: the seed itself, where neither the options nor the context give one. Checkpoints keep it.
    private static int NewSeed() =>
#pragma warning disable RS0030
        Random.Shared.Next();
#pragma warning restore RS0030

    private static void CheckSameColumns(TrainingColumns training, TrainingColumns validation)
    {
        if (validation.Image != training.Image)
        {
            throw new ArgumentOutOfRangeException(
                nameof(validation),
                $"Image column '{training.Image.Name}' is {training.Image.Shape} of {training.Image.Source} in the training data, "
                + $"but {validation.Image.Shape} of {validation.Image.Source} in the validation data.");
        }

        if (!validation.Label.ClassNames().SequenceEqual(training.Label.ClassNames()))
        {
            throw new ArgumentOutOfRangeException(
                nameof(validation),
                $"Label column '{training.Label.Name}' has other values, or another order of them, in the validation data. "
                + "Transform both with the same fitted MapValueToKey.");
        }
    }
}
