using Microsoft.ML.ResNet;

namespace ModelBuilder;

/// <summary>
/// The trained classifier, ready to use. This file needs no Torch: a program that only classifies takes it, the model file, and the
/// packages Microsoft.ML.ResNet and Microsoft.ML.OnnxRuntime.
/// </summary>
public static partial class MLModel
{
    private static readonly Lazy<ResNetPredictor> Predictor = new(LoadPredictor);

    /// <summary>Gets the path of the model file.</summary>
    /// <value><c>MLModel.mlnet</c> in the folder that the program runs in.</value>
    public static string MLNetModelPath { get; } = Path.GetFullPath("MLModel.mlnet");

    /// <summary>
    /// Gets or sets the most pixels of an image. One with more is refused by its header: a file of a hundred bytes may claim a billion.
    /// </summary>
    /// <value>50 million by default, which take 200 MB. It counts until the first image is classified.</value>
    public static long MaxImagePixels { get; set; } = 50_000_000;

    /// <summary>Gets the names of the classes, in the order of <see cref="ModelOutput.Score"/>.</summary>
    public static IReadOnlyList<string> Labels => Predictor.Value.ClassNames;

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
        ArgumentNullException.ThrowIfNull(input.ImageSource);
        var predictor = Predictor.Value;
        try
        {
            var prediction = predictor.Predict(input.ImageSource.AsMemory());
            return new ModelOutput { PredictedLabel = prediction.Label, Score = prediction.Probabilities.ToArray() };
        }
        catch (InvalidDataException exception)
        {
            throw new ArgumentException(
                $"The {input.ImageSource.Length:n0} bytes of ImageSource are not an image to classify. {exception.Message}", exception);
        }
    }

    /// <summary>Classifies an image, and tells every class's probability.</summary>
    /// <param name="input">The image.</param>
    /// <returns>The classes and their probabilities, the likeliest first.</returns>
    /// <inheritdoc cref="Predict" path="/exception"/>
    public static IOrderedEnumerable<KeyValuePair<string, float>> PredictAllLabels(ModelInput input) =>
        GetSortedScoresWithLabels(Predict(input));

    /// <summary>Puts names to the probabilities of a prediction.</summary>
    /// <param name="output">What <see cref="Predict"/> returned.</param>
    /// <returns>The classes and their probabilities, the likeliest first.</returns>
    public static IOrderedEnumerable<KeyValuePair<string, float>> GetSortedScoresWithLabels(ModelOutput output)
    {
        ArgumentNullException.ThrowIfNull(output);
        return Labels.Zip(output.Score, KeyValuePair.Create).OrderByDescending(score => score.Value);
    }

    private static ResNetPredictor LoadPredictor()
    {
        var path = MLNetModelPath;
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"There is no model '{path}'. Train it first, or copy it there.", path);
        }

        try
        {
            return ResNetPredictor.Load(path, new ResNetPredictorOptions { MaxImagePixels = MaxImagePixels });
        }
        catch (InvalidDataException exception)
        {
            throw new InvalidDataException(
                $"'{path}' is not a model of this program: {exception.Message} Delete it and train again.", exception);
        }
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
        public string PredictedLabel { get; set; } = "";

        /// <summary>Gets or sets the probability of each class, in the order of <see cref="Labels"/>.</summary>
        public float[] Score { get; set; } = [];
    }
}
