using Microsoft.ML.ResNet.Files;
using Microsoft.ML.ResNet.Graphs;
using Microsoft.ML.ResNet.Weights;

namespace Microsoft.ML.ResNet;

public sealed partial class ResNetWeights
{
    /// <summary>
    /// Reads the weights of a network from a file of any of the usual formats; what is in the file decides, not its name.
    /// </summary>
    /// <remarks>
    /// <para>Read are:</para>
    /// <list type="bullet">
    /// <item>safetensors;</item>
    /// <item>PyTorch checkpoints, both zip files (since 1.6) and legacy pickles: a state dictionary, alone or under <c>state_dict</c>,
    /// <c>model_state_dict</c>, <c>model_state</c>, <c>model</c> or <c>net</c>;</item>
    /// <item>ONNX models, by what their graph computes: see below;</item>
    /// <item>ML.NET models saved with a <see cref="ResNetClassificationTransformer"/> in them.</item>
    /// </list>
    /// <para> Tensors get the names of <see cref="LayerPlan"/>: the prefixes <c>module.</c> and <c>_orig_mod.</c> are cut off,
    /// <c>linear.</c> becomes <c>fc.</c>, and <c>shortcut.0</c> and <c>.1</c> become <c>downsample.0</c> and <c>.1</c>;
    /// <c>num_batches_tracked</c> is left out. Values of float64, float16 and bfloat16 become float32.
    /// </para>
    /// <para>
    /// An ONNX model is recognized by its graph, whatever its tensors are called and whoever wrote it: <see cref="Architecture"/> is what
    /// was found, and the tensors get PyTorch's names. Normalization that was folded into convolutions becomes one that adds their bias,
    /// with a mean of 0 and a deviation of 1. What the graph does to pixels before its first convolution becomes
    /// <see cref="Preprocessing"/>; where it turns the channels around, the first filters are turned instead. Anything that no network of
    /// the library computes is refused, with the node's name. A file of tensors without a graph gives them by their names.
    /// </para>
    /// <para>
    /// Files need not be trusted. Nothing in them is executed; a pickle that asks for more than tensors is refused. Every size is checked
    /// before memory is taken: against the size of the file, of which tensors may be 16 times as much, and what is decompressed as much
    /// again (or 16 MB for a small one), and against <paramref name="maxBytes"/>. Pipes and devices are not opened.
    /// </para>
    /// <para>
    /// What a file says about images is bounded, so that the usual networks take about 1 GB for an image at most, and pixels stay numbers:
    /// an input of up to 2,048 pixels a side and 12,582,912 values, resized to 8,192 pixels a side at most with its border and
    /// supersampling, means within ±10⁹, and standard deviations from 10⁻⁶ to 10⁹.
    /// </para>
    /// </remarks>
    /// <param name="path">The file.</param>
    /// <param name="maxBytes">
    /// The most bytes of buffers that may be made in reading it, all added up: one copy of every tensor for safetensors, two for the other
    /// formats. The default, 4 GiB, is more than twice what the largest published network needs.
    /// </param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>The weights, in the order of the file. Whether they fit a network is told by <see cref="For"/>.</returns>
    /// <exception cref="InvalidDataException">The file is damaged, or is none of these; the message says what was found.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="maxBytes"/> is not positive.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="IOException">The file cannot be read, or is a folder, a pipe or a device.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    /// <exception cref="OperationCanceledException">The token asked to stop.</exception>
    public static ResNetWeights Load(string path, long maxBytes = MemoryAllowance.Default, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxBytes);
        var weights = WeightsFile.Read(path, maxBytes, cancellationToken);
        weights.Source = $"the file {Path.GetFileName(path)}";
        return weights;
    }

    /// <summary>Says how pixels become the input that these weights were trained on, by an ONNX model that does nothing else.</summary>
    /// <remarks>
    /// Some networks are published as two files. The second may subtract a mean, for each channel or each pixel, divide, and turn the
    /// channels around, for which the first filters of these weights are turned instead: the network then reads RGB, as all do here.
    /// </remarks>
    /// <param name="path">The file, such as <c>ResNetPreprocess.onnx</c> of ML.NET's own networks.</param>
    /// <returns>The weights with their preprocessing; all tensors but the first filters are shared, not copied.</returns>
    /// <exception cref="InvalidDataException">The file does something else, which the message names; or it is for other images.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public ResNetWeights WithPreprocessingFile(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var (preprocessing, order) = WeightsFile.ReadPreprocessing(path);
        var first = Tensors.FirstOrDefault(tensor => tensor.Shape.Length == 4);
        if (first is null || first.Shape[1] != preprocessing.Input.Channels)
        {
            throw new InvalidDataException(
                $"'{path}' is for images of {preprocessing.Input.Channels} channels, but the weights' first convolution reads "
                + $"{(first is null ? "none" : first.Shape[1])}.");
        }

        var size = first.Shape[2] * first.Shape[3];
        var budget = new ValueBudget(new MemoryAllowance(first.Values.Length * (long)sizeof(float), MemoryAllowance.Default));
        var turned = new WeightTensor(
            first.Name, first.Shape, NetworkParts.Reordered(first.Values.Span, first.Shape[1], size, order, budget));
        return new ResNetWeights(Tensors.Select(tensor => tensor == first ? turned : tensor))
        {
            Preprocessing = preprocessing,
            ClassNames = ClassNames,
            ArchitectureName = ArchitectureName,
            Architecture = Architecture,
            Card = Card,
            Source = Source,
        };
    }

    /// <summary>Writes the weights as a safetensors file, which PyTorch and most other tools read.</summary>
    /// <remarks>
    /// Values are float32, bit for bit. <see cref="Preprocessing"/>, <see cref="ClassNames"/> and <see cref="ArchitectureName"/> go into
    /// its metadata, and <see cref="Architecture"/> where it is no row of <see cref="ResNetArchitecture.All"/>. The file appears whole or
    /// not at all: it is written beside its place and then moved there.
    /// </remarks>
    /// <param name="path">The file to write, or a link to it; an existing one is replaced.</param>
    /// <exception cref="InvalidOperationException">A tensor is named <c>__metadata__</c>, which safetensors keeps for itself.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be written.</exception>
    public void Save(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        WholeFile.Write(path, stream => SafetensorsFile.Write(stream, this));
    }
}
