using System.Collections.Immutable;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Files;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Onnx;
using Microsoft.ML.ResNet.Quantization;
using Microsoft.ML.ResNet.Scoring;
using Microsoft.ML.ResNet.Weights;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.ResNet;

/// <summary>
/// A residual network that classifies images: it adds <c>Score</c>, a probability per class, and <c>PredictedLabel</c>, a key with the
/// label's own values; and <c>IsUnknown</c>, whether it belongs to none of the classes, if it was trained with <c>RejectUnknown</c>. Where
/// images have any number of labels, <c>Score</c> is a probability for each label by itself, and <c>PredictedLabel</c> a vector of
/// Booleans: whether it is above one half.
/// </summary>
/// <remarks>
/// <para> Inside is a chain of ML.NET's own transformers around an ONNX graph, and that chain is what <see
/// cref="ModelOperationsCatalog.Save(ITransformer, DataViewSchema, string)"/> writes. The file loads wherever Microsoft.ML,
/// Microsoft.ML.ImageAnalytics, Microsoft.ML.OnnxTransformer and Microsoft.ML.OnnxRuntime are referenced; it needs neither TorchSharp nor
/// this library. What it loads as is that chain, not this type.
/// </para>
/// <para> A view that <see cref="Transform"/> made scores up to 128 rows in one call when it is read: its cursors read the source once, in
/// order, up to a batch ahead, keep the values that were asked for, and hand them out row by row, as they would be without batches. A
/// prediction engine scores its row at once; so does a model loaded from a file, and a cursor that asks for images beside scores.
/// </para>
/// <para>The graph lives in a temporary file until the transformer is disposed. Scoring is thread-safe.</para>
/// </remarks>
public sealed class ResNetClassificationTransformer : ITransformer, IDisposable
{
    private readonly ResNetModel _network;
    private readonly ImageColumn _image;
    private readonly LabelColumn _label;
    private readonly OnnxBackedChain _chain;

    private ResNetClassificationTransformer(
        IHostEnvironment environment,
        ResNetModel network,
        ImageColumn image,
        LabelColumn label,
        TrainingHistory history,
        ScoreColumns names,
        OnnxBackedChain chain)
    {
        Environment = environment;
        _network = network;
        _image = image;
        _label = label;
        _chain = chain;
        Added = names;
        ClassNames = label.ClassNames();
        History = history;
        Card = network.Card ?? ModelCard.Of(network.Plan, ClassNames, history);
        Weights = new ResNetWeights(network.Weights.Tensors)
        {
            ArchitectureName = network.Plan.Architecture.Name,
            Architecture = network.Plan.Architecture,
            Preprocessing = network.Preprocessing,
            ClassNames = ClassNames,
            Card = network.Card,
        };
    }

    /// <summary>Gets the network's description.</summary>
    /// <value>The row of the table that was trained.</value>
    public ResNetArchitecture Architecture => _network.Plan.Architecture;

    /// <summary>Gets the names of the classes.</summary>
    /// <value>The label's values as text, in the order of Score.</value>
    public ImmutableArray<string> ClassNames { get; }

    /// <summary>Gets how the training went.</summary>
    /// <value>Empty for a network that was not trained here.</value>
    public TrainingHistory History { get; }

    /// <summary>Gets what is known of the network, to be handed on with it: what it is, how it was trained, and what came of it.</summary>
    /// <value>Saved with the model, and exported with it, where this library trained the network or read its card with the weights.</value>
    public ModelCard Card { get; }

    /// <summary>Gets how pixels become the network's input.</summary>
    /// <value>Part of the ONNX graph, and of what is saved.</value>
    public ImagePreprocessing Preprocessing => _network.Preprocessing;

    /// <summary>Gets the network's layers.</summary>
    /// <value>For this transformer's input shape and number of classes.</value>
    public LayerPlan Plan => _network.Plan;

    /// <summary>Gets the network's weights.</summary>
    /// <value>
    /// Floats, also of a quantized network. Under PyTorch's names, with the network's name, its preprocessing and the names of the classes,
    /// which <see cref="ResNetWeights.Save"/> writes beside them.
    /// </value>
    public ResNetWeights Weights { get; }

    /// <summary>Gets the environment that the transformer was made in; analysis registers its components there too.</summary>
    internal IHostEnvironment Environment { get; }

    /// <summary>Gets the names of the columns that are added.</summary>
    internal ScoreColumns Added { get; }

    /// <summary>Gets the probability that some class must be above, for an image to be of a known class; null where every image
    /// is.</summary>
    internal float? UnknownThreshold => _network.UnknownThreshold;

    /// <summary>Gets whether an image has any number of labels, each with a probability of its own.</summary>
    internal bool IsMultilabel => _network.IsMultilabel;

    /// <summary>Gets the column that images are read from.</summary>
    internal ImageColumn Image => _image;

    /// <inheritdoc/>
    public bool IsRowToRowMapper => true;

    /// <inheritdoc/>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => _chain.GetOutputSchema(inputSchema);

    /// <inheritdoc/>
    public IDataView Transform(IDataView input) => _chain.Transform(input);

    /// <inheritdoc/>
    public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => _chain.GetRowToRowMapper(inputSchema);

    void ICanSaveModel.Save(ModelSaveContext ctx) => _chain.Save(ctx);

    /// <summary>Writes the whole network, its preprocessing and its head as an ONNX model for any ONNX runtime.</summary>
    /// <remarks>
    /// Input <c>pixels</c>: [batch, channels, height, width], bytes of an RGB image (floats if the network was trained on float vectors),
    /// planar. Output <c>probabilities</c>: [batch, classes]. The metadata tells the architecture, the class names and the preprocessing.
    /// Opset 17.
    /// </remarks>
    /// <param name="path">The file to write; an existing one is replaced, once the new one is whole.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be written.</exception>
    public void ExportOnnx(string path) => ExportOnnx(path, new OnnxExportOptions());

    /// <summary>Writes the whole network as an ONNX model, in the form that the options ask for.</summary>
    /// <param name="path">The file to write; an existing one is replaced, once the new one is whole.</param>
    /// <param name="options">The form of input, output and weights.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void ExportOnnx(string path, OnnxExportOptions options)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(options);
        var bytes = options.ByteInput ?? _image.Source != PixelSource.FloatVector;
        var pixelType = bytes ? OnnxElementType.UInt8 : OnnxElementType.Float;
        var graph = OnnxGraphWriter.Classifier(_network, pixelType, options, NetworkMetadata.Of(_network, ClassNames));
        WholeFile.Write(path, graph.WriteTo);
    }

    /// <summary>
    /// Makes a network that computes in 8-bit integers: two to three times faster on processors with VNNI, and a quarter of the size.
    /// </summary>
    /// <inheritdoc cref="Quantize(IDataView, QuantizationOptions)"/>
    public ResNetClassificationTransformer Quantize(IDataView calibrationData) => Quantize(calibrationData, new QuantizationOptions());

    /// <summary>Makes a network that computes in 8-bit integers, as the options say.</summary>
    /// <remarks>
    /// <para> Post-training static quantization: normalization is folded into the convolutions before it, weights get a scale for each
    /// output channel, and the values of each layer a scale and a zero point, from what they are on the calibration images. Preprocessing
    /// and the head stay in float32. The result saves, loads, scores and exports as any other; its ONNX graph has QuantizeLinear and
    /// DequantizeLinear nodes, which ONNX Runtime fuses to integer operators.
    /// </para>
    /// <para>What <c>model.zip</c> then holds are integers: keep this transformer, its model or its <see cref="Weights"/> to train on. The
    /// result's probabilities differ a little: evaluate it. Analysis (heat maps, layer responses, test-time views) looks at the float
    /// network.</para>
    /// </remarks>
    /// <param name="calibrationData">Images like those that will be scored, such as some of the training images; no label is
    /// needed.</param>
    /// <param name="options">How many images are taken, and how ranges follow from them.</param>
    /// <returns>A new transformer with the same classes and columns, to be disposed by itself.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The image column is missing or of the wrong type or size, or an option is out of its
    /// range.</exception>
    /// <exception cref="InvalidOperationException">The data has no rows, or the network gives values that are not finite.</exception>
    public ResNetClassificationTransformer Quantize(IDataView calibrationData, QuantizationOptions options)
    {
        ArgumentNullException.ThrowIfNull(calibrationData);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        _image.CheckSame(calibrationData.Schema);
        var quantization = Calibration.Run(Environment, calibrationData, _image, _network, options);
        return Create(Environment, calibrationData, _image, _label, _network with { Quantization = quantization }, History, Added);
    }

    /// <summary>Releases the ONNX Runtime session and deletes the temporary file. Models saved before keep working.</summary>
    public void Dispose() => _chain.Dispose();

    internal static ResNetClassificationTransformer Create(
        IHostEnvironment environment,
        IDataView input,
        ImageColumn image,
        LabelColumn label,
        ResNetModel network,
        TrainingHistory history,
        ScoreColumns? names = null)
    {
        var earlier = network.Card is null ? null : network.Card with { ClassNames = label.ClassNames() };
        var card = history.Conditions is null ? earlier : ModelCard.Of(network.Plan, label.ClassNames(), history);
        network = network.For(image) with
        {
            Card = card,
            UnknownThreshold = network.UnknownThreshold ?? history.UnknownThreshold,
            IsMultilabel = label.IsMultilabel,
        };
        names ??= ScoreColumns.Default;
        var chain = OnnxBackedChain.Build(
            environment,
            image,
            network,
            (file, headFile) => ScoringChain.Classifier(environment, input, image, label, network, names, file, headFile));
        return new ResNetClassificationTransformer(environment, network, image, label, history, names, chain);
    }
}
