using System.Diagnostics;
using System.Numerics;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Interop;
using Microsoft.ML.ResNet.Onnx;
using Microsoft.ML.ResNet.Scoring;
using Microsoft.ML.ResNet.Trainers.Checkpoints;
using Microsoft.ML.ResNet.Trainers.Data;
using Microsoft.ML.ResNet.Trainers.Loop;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.ResNet.Trainers;

/// <summary>Trains a residual network on images, end to end, by stochastic gradient descent.</summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// | Trainer characteristics | |
/// | -- | -- |
/// | Machine learning task | Multiclass classification |
/// | Input columns | Image: `MLImage` of any size, or a planar vector of bytes or floats. Label: key. Example weight: float, optional |
/// | Output columns | Score: vector of float, a probability per class. PredictedLabel: key with the label's values |
/// | Is normalization required? | No: mean and standard deviation are measured, and part of the model |
/// | Is caching required? | No: images are decoded once and kept, in memory up to `Options.CacheBytes` and then on disk |
/// | Required NuGet in addition to Microsoft.ML | Microsoft.ML.ResNet.Trainers, and a libtorch package for training; Microsoft.ML.OnnxRuntime for scoring |
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

    /// <summary>Trains on a share of the data and validates on the rest: see <see cref="Options.ValidationFraction"/>.</summary>
    /// <param name="input">The training data.</param>
    /// <returns>The trained classifier.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of the wrong type.</exception>
    /// <exception cref="InvalidOperationException">There is no data, or a class without images.</exception>
    /// <exception cref="DllNotFoundException">The application has no libtorch, or no ONNX Runtime; the message names the package to add.</exception>
    /// <exception cref="BadImageException">An image cannot be read, and the options do not say to skip it.</exception>
    /// <exception cref="TrainingDivergedException">The loss was not finite in the first epoch.</exception>
    /// <exception cref="OperationCanceledException">The options' token asked to stop.</exception>
    public ResNetClassificationTransformer Fit(IDataView input) => Fit(input, validation: null);

    /// <summary>Trains on all of the data, and validates on other data after every epoch.</summary>
    /// <param name="input">The training data.</param>
    /// <param name="validation">The validation data, with the same columns; null for a share of the training data.</param>
    /// <returns>The trained classifier.</returns>
    /// <inheritdoc cref="Fit(IDataView)" path="/exception"/>
    public ResNetClassificationTransformer Fit(IDataView input, IDataView? validation)
    {
        ArgumentNullException.ThrowIfNull(input);
        var columns = TrainingColumns.Bind(input.Schema, _options);
        if (validation is not null)
        {
            CheckSameColumns(columns, TrainingColumns.Bind(validation.Schema, _options));
        }

        return columns.Image.Source == PixelSource.FloatVector
            ? Fit<float>(input, validation, columns)
            : Fit<byte>(input, validation, columns);
    }

    /// <summary>Searches for a good learning rate: trains for some steps at an ever higher rate, and watches the loss. The network is thrown away.</summary>
    /// <param name="input">The training data.</param>
    /// <param name="steps">The steps to take; at least 10. More of them smooth better; 100 take a few seconds on small images.</param>
    /// <returns>The losses, and a rate to put into the options.</returns>
    /// <inheritdoc cref="Fit(IDataView)" path="/exception"/>
    public LearningRateSearch FindLearningRate(IDataView input, int steps = 100)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 10);
        var columns = TrainingColumns.Bind(input.Schema, _options);
        return columns.Image.Source == PixelSource.FloatVector
            ? FindLearningRate<float>(input, columns, steps)
            : FindLearningRate<byte>(input, columns, steps);
    }

    /// <summary>Gets the columns that the trained classifier will add, and checks those that it needs.</summary>
    /// <param name="inputSchema">The shape of the data's schema.</param>
    /// <returns>The input's columns, Score and PredictedLabel.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of the wrong type.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        var label = TrainingColumns.Check(inputSchema, _options);
        return OutputColumns.AddTo(inputSchema, label, ScoreColumns.Default);
    }

    private ResNetClassificationTransformer Fit<T>(IDataView input, IDataView? validation, TrainingColumns columns)
        where T : unmanaged, INumberBase<T>
    {
        TorchRuntime.Initialize();
        ScoringPrerequisites.Check();
        using var reporter = new TrainingReporter(_host, _options.Progress, _options.LogFolder);
        var plan = LayerPlan.Create(_options.Architecture, columns.Image.Shape, columns.Label.ClassCount);
        using var checkpoints = CheckpointFolder.Open(_options, reporter.Warn);
        var checkpoint = checkpoints?.ReadNewest();
        var seed = _options.Seed ?? _host.GetSeed() ?? checkpoint?.Identity.Seed ?? NewSeed();
        var clock = Stopwatch.StartNew();
        using var images = TrainingImages<T>.Read(_host, input, validation, columns, _options, seed, reporter);
        var readingTime = clock.Elapsed;
        var (weights, history) = TrainingThread.Run(() => new TrainingRun(plan, _options, seed, checkpoints, reporter) { ReadingTime = readingTime }.Train(images, checkpoint));

        // The environment itself: a host of it does not have its OnnxSessionOptions.
        return ResNetClassificationTransformer.Create(_environment, input, columns.Image, columns.Label, new ResNetModel(plan, weights, images.Preprocessing), history);
    }

    private LearningRateSearch FindLearningRate<T>(IDataView input, TrainingColumns columns, int steps)
        where T : unmanaged, INumberBase<T>
    {
        TorchRuntime.Initialize();
        using var reporter = new TrainingReporter(_host, progress: null);
        var plan = LayerPlan.Create(_options.Architecture, columns.Image.Shape, columns.Label.ClassCount);
        var seed = _options.Seed ?? _host.GetSeed() ?? NewSeed();
        using var images = TrainingImages<T>.Read(_host, input, validationData: null, columns, _options, seed, reporter);
        return TrainingThread.Run(() => new TrainingRun(plan, _options, seed, checkpoints: null, reporter).FindLearningRate(images, steps));
    }

    // The only dice without a seed: they make one, where neither the options nor the context give it. Checkpoints keep it.
    private static int NewSeed() =>
#pragma warning disable RS0030
        Random.Shared.Next();
#pragma warning restore RS0030

    private static void CheckSameColumns(TrainingColumns training, TrainingColumns validation)
    {
        if (validation.Image != training.Image)
        {
            throw new ArgumentOutOfRangeException(nameof(validation), $"Image column '{training.Image.Name}' is {training.Image.Shape} of {training.Image.Source} in the training data, but {validation.Image.Shape} of {validation.Image.Source} in the validation data.");
        }

        if (!validation.Label.ClassNames().SequenceEqual(training.Label.ClassNames()))
        {
            throw new ArgumentOutOfRangeException(nameof(validation), $"Label column '{training.Label.Name}' has other values, or another order of them, in the validation data. Transform both with the same fitted MapValueToKey.");
        }
    }
}
