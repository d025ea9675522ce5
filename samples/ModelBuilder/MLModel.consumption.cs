using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;
using SkiaSharp;

namespace ModelBuilder;

/// <summary>
/// The trained classifier, ready to use. This file needs no Torch and nothing of ResNet.MLNet: a program that only classifies takes it, the
/// model file, and the packages Microsoft.ML, Microsoft.ML.ImageAnalytics, Microsoft.ML.OnnxTransformer and Microsoft.ML.OnnxRuntime.
/// </summary>
public static partial class MLModel
{
    /// <summary>Gets the path of the model file.</summary>
    /// <value><c>MLModel.mlnet</c> in the folder that the program runs in.</value>
    public static string MLNetModelPath { get; } = Path.GetFullPath("MLModel.mlnet");

    /// <summary>Gets or sets the most pixels of an image. One with more is refused by its header: a file of a hundred bytes may claim a billion.</summary>
    /// <value>50 million by default, which take 200 MB.</value>
    public static long MaxImagePixels { get; set; } = 50_000_000;

    // A PredictionEngine serves one caller at a time. A lock around one would leave all cores but one idle, and an engine per thread would be kept
    // for every thread that ever asked; a pool holds as many as were in use at once. All share the one model, whose ONNX session is thread-safe.
    private static readonly ConcurrentBag<PredictionEngine<EngineInput, ModelOutput>> IdleEngines = [];

    private static readonly Lazy<LoadedModel> Model = new(() => LoadedModel.Read(MLNetModelPath));

    /// <summary>Gets the names of the classes, in the order of <see cref="ModelOutput.Score"/>.</summary>
    public static IReadOnlyList<string> Labels => Model.Value.Labels;

    /// <summary>Classifies an image. Any number of threads may call it at once.</summary>
    /// <remarks>The model file is read at the first call, and kept.</remarks>
    /// <param name="input">The image.</param>
    /// <returns>The class and the probabilities of all classes.</returns>
    /// <exception cref="ArgumentException">The bytes are not an image, or one with more than <see cref="MaxImagePixels"/>.</exception>
    /// <exception cref="FileNotFoundException">There is no model file.</exception>
    /// <exception cref="InvalidDataException">The model file is not a model.</exception>
    public static ModelOutput Predict(ModelInput input)
    {
        ArgumentNullException.ThrowIfNull(input);
        using var image = Decode(input.ImageSource);
        var model = Model.Value;
        var engine = IdleEngines.TryTake(out var idle) ? idle : model.NewEngine();
        var output = engine.Predict(new EngineInput { ImageSource = image });
        IdleEngines.Add(engine);                        // not after an exception: an engine that failed is not used again
        return output;
    }

    /// <summary>Classifies an image, and tells every class's probability.</summary>
    /// <param name="input">The image.</param>
    /// <returns>The classes and their probabilities, the likeliest first.</returns>
    /// <inheritdoc cref="Predict" path="/exception"/>
    public static IOrderedEnumerable<KeyValuePair<string, float>> PredictAllLabels(ModelInput input) => GetSortedScoresWithLabels(Predict(input));

    /// <summary>Puts names to the probabilities of a prediction.</summary>
    /// <param name="output">What <see cref="Predict"/> returned.</param>
    /// <returns>The classes and their probabilities, the likeliest first.</returns>
    public static IOrderedEnumerable<KeyValuePair<string, float>> GetSortedScoresWithLabels(ModelOutput output)
    {
        ArgumentNullException.ThrowIfNull(output);
        return Labels.Zip(output.Score, KeyValuePair.Create).OrderByDescending(score => score.Value);
    }

    private static ITransformer LoadModel(MLContext mlContext, string path)
    {
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"There is no model '{path}'. Train it first, or copy it there.", path);
        }

        try
        {
            return mlContext.Model.Load(path, out _);
        }
        catch (FormatException exception)
        {
            throw new InvalidDataException($"'{path}' is not an ML.NET model: {exception.Message}. Delete it and train again.", exception);
        }
    }

    // ONNX Runtime's, which keeps files in the user's cache folder, and sends them. It looks once, when its first model is loaded.
    private static void TurnOffTelemetry()
    {
        const string variable = "ORT_DISABLE_TELEMETRY";
        if (Environment.GetEnvironmentVariable(variable) is not null)
        {
            return;
        }

        if (OperatingSystem.IsWindows())
        {
            Environment.SetEnvironmentVariable(variable, "1");
        }
        else
        {
            _ = SetVariable(variable, "1", overwrite: 0); // .NET's own does not reach native code here
        }
    }

    [DllImport("libc", EntryPoint = "setenv")]
    private static extern int SetVariable(string name, string value, int overwrite);

    private static MLImage Decode(byte[] file)
    {
        ArgumentNullException.ThrowIfNull(file);

        // Not MLImage.CreateFromStream: it decodes as many pixels as a header claims, and some damaged files end the process while SkiaSharp reads them as a stream.
        using var data = SKData.CreateCopy(file);
        using var codec = SKCodec.Create(data);
        if (codec is not null && (long)codec.Info.Width * codec.Info.Height > MaxImagePixels)
        {
            throw new ArgumentException($"The image has {codec.Info.Width:n0} × {codec.Info.Height:n0} pixels; {MaxImagePixels:n0} in all are allowed.");
        }

        using var decoded = codec is null ? null : SKBitmap.Decode(codec);
        if (decoded is null)
        {
            throw new ArgumentException($"The {file.Length:n0} bytes of ImageSource are not an image in JPEG, PNG, BMP, GIF or WebP.");
        }

        using var converted = decoded.ColorType == SKColorType.Bgra8888 ? null : decoded.Copy(SKColorType.Bgra8888);
        return MLImage.CreateFromPixels(decoded.Width, decoded.Height, MLPixelFormat.Bgra32, (converted ?? decoded).GetPixelSpan());
    }

    /// <summary>An image to classify.</summary>
    public sealed class ModelInput
    {
        /// <summary>Gets or sets what is in the image file: JPEG, PNG, BMP, GIF or WebP, of any size.</summary>
        public byte[] ImageSource { get; set; } = [];
    }

    /// <summary>What the model says about an image.</summary>
    public sealed class ModelOutput
    {
        /// <summary>Gets or sets the likeliest class.</summary>
        [ColumnName("PredictedLabelText")]
        public string PredictedLabel { get; set; } = "";

        /// <summary>Gets or sets the probability of each class, in the order of <see cref="Labels"/>.</summary>
        public float[] Score { get; set; } = [];
    }

    // The columns that the model reads. The label is one of them, though prediction does not look at it.
    private sealed class EngineInput
    {
        public string Label { get; set; } = "";

        [ImageType(1, 1)] // a formality: images of any size may come
        public MLImage? ImageSource { get; set; }
    }

    private sealed class LoadedModel(MLContext mlContext, ITransformer transformer, string[] labels)
    {
        public string[] Labels => labels;

        public static LoadedModel Read(string path)
        {
            TurnOffTelemetry();
            var mlContext = new MLContext();
            var transformer = LoadModel(mlContext, path);
            var engine = mlContext.Model.CreatePredictionEngine<EngineInput, ModelOutput>(transformer);
            IdleEngines.Add(engine);
            var names = default(VBuffer<ReadOnlyMemory<char>>);
            engine.OutputSchema[nameof(ModelOutput.Score)].GetSlotNames(ref names);
            return new LoadedModel(mlContext, transformer, [.. names.DenseValues().Select(name => name.ToString())]);
        }

        public PredictionEngine<EngineInput, ModelOutput> NewEngine() => mlContext.Model.CreatePredictionEngine<EngineInput, ModelOutput>(transformer);
    }
}
