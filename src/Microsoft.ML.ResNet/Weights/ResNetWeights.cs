using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Microsoft.ML.ResNet;

/// <summary>A network's state dictionary: every trained value and running statistic, by PyTorch's name.</summary>
public sealed partial class ResNetWeights
{
    private readonly Dictionary<string, WeightTensor> _byName;

    /// <summary>Initializes a state dictionary.</summary>
    /// <param name="tensors">The tensors; their order is kept.</param>
    /// <exception cref="ArgumentException">Two tensors have the same name.</exception>
    public ResNetWeights(IEnumerable<WeightTensor> tensors)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        Tensors = [.. tensors];
        _byName = Tensors.ToDictionary(tensor => tensor.Name);
    }

    /// <summary>Gets the tensors.</summary>
    /// <value>In the order given.</value>
    public ImmutableArray<WeightTensor> Tensors { get; }

    /// <summary>Gets how pixels become the input that these weights were trained on.</summary>
    /// <value>
    /// <see langword="null"/>, the default, where that is not known. Of the files, those of <see cref="Save"/> and the ONNX models of this
    /// library say it.
    /// </value>
    public ImagePreprocessing? Preprocessing { get; init; }

    /// <summary>Gets the names of the classes that the head tells apart.</summary>
    /// <value>
    /// In the order of the head's outputs; empty, the default, where they are not known. Of the files, those of <see cref="Save"/>, and
    /// ONNX and ML.NET models of this library name them.
    /// </value>
    public ImmutableArray<string> ClassNames { get; init; } = [];

    /// <summary>
    /// Gets the name of the network that these are the weights of. Tensors alone do not always tell: ResNet-20 and Plain-20 have the same
    /// ones.
    /// </summary>
    /// <value>
    /// A name of <see cref="ResNetArchitecture.All"/>, or one of your own; <see langword="null"/>, the default, where it is not known. Of
    /// the files, those of <see cref="Save"/>, and ONNX and ML.NET models of this library name it.
    /// </value>
    public string? ArchitectureName { get; init; }

    /// <summary>Gets the network that these are the weights of, also where no row of the table is it.</summary>
    /// <value>
    /// <see langword="null"/>, the default, where it is not known. ONNX models tell it by their graph, whatever their tensors are called;
    /// so do this library's ML.NET models. Files of <see cref="Save"/> say it where <see cref="ResNetArchitecture.All"/> does not have it.
    /// </value>
    public ResNetArchitecture? Architecture { get; init; }

    /// <summary>Gets what is known of how these weights were trained.</summary>
    /// <value>
    /// <see langword="null"/>, the default, where that is not known. Of the files, ONNX and ML.NET models say it whose network was trained
    /// by this library.
    /// </value>
    public ModelCard? Card { get; init; }

    /// <summary>Gets where the weights are from: the name of a file, or of published weights; null for others.</summary>
    internal string? Source { get; set; }

    /// <summary>Gets the SHA-256 of all values, tensor after tensor, in hexadecimal digits. Computed once: values do not change.</summary>
    internal string ValuesHash => field ??= HashValues();

    /// <summary>Says how pixels become the input that these weights were trained on, where their file does not say it.</summary>
    /// <remarks>PyTorch's files do not. The tensors are shared, not copied.</remarks>
    /// <param name="preprocessing">For example <see cref="ImagePreprocessing.ImageNetV1"/>, for torchvision's first weights.</param>
    /// <returns>The same weights, with the names of the classes and of the network that they had, and this preprocessing.</returns>
    public ResNetWeights WithPreprocessing(ImagePreprocessing preprocessing)
    {
        ArgumentNullException.ThrowIfNull(preprocessing);
        return new ResNetWeights(Tensors)
        {
            Preprocessing = preprocessing,
            ClassNames = ClassNames,
            ArchitectureName = ArchitectureName,
            Architecture = Architecture,
            Card = Card,
            Source = Source,
        };
    }

    /// <summary>Gets a tensor by its name.</summary>
    /// <param name="name">For example <c>conv1.weight</c>.</param>
    /// <returns>The tensor.</returns>
    /// <exception cref="KeyNotFoundException">There is no such tensor.</exception>
    public WeightTensor this[string name] => TryGet(name, out var tensor)
        ? tensor
        : throw new KeyNotFoundException(
            $"The weights hold no tensor '{name}'. The first ones are: {string.Join(", ", _byName.Keys.Take(5))}.");

    /// <summary>Looks for a tensor by its name.</summary>
    /// <param name="name">For example <c>conv1.weight</c>.</param>
    /// <param name="tensor">The tensor, if there is one.</param>
    /// <returns>Whether there is one.</returns>
    public bool TryGet(string name, [NotNullWhen(true)] out WeightTensor? tensor) => _byName.TryGetValue(name, out tensor);

    /// <summary>Draws the initial weights of a network.</summary>
    /// <param name="plan">The network.</param>
    /// <param name="seed">The seed; the same one gives the same weights on every machine.</param>
    /// <returns>
    /// Convolutions from a normal distribution with variance 2 / (out × height × width) (He et al., 2015, equation 14, the form that
    /// torchvision uses); the head uniform within ±1/√features (PyTorch's default); γ and variance 1, β, biases and mean 0.
    /// </returns>
    public static ResNetWeights Initialize(LayerPlan plan, int seed)
    {
        ArgumentNullException.ThrowIfNull(plan);
        var random = new Random(seed);
        return new ResNetWeights(plan.Weights.Select(spec => new WeightTensor(spec.Name, spec.Shape, InitialValues(spec, random))));
    }

    private static float[] InitialValues(WeightSpec spec, Random random)
    {
        var values = new float[spec.Size];
        switch (spec.Role)
        {
            case WeightRole.ConvolutionWeight:
                FillNormal(values, Math.Sqrt(2.0 / (spec.Shape[0] * spec.Shape[2] * spec.Shape[3])), random);
                break;
            case WeightRole.LinearWeight:
                FillUniform(values, 1 / Math.Sqrt(spec.Shape[1]), random);
                break;
            case WeightRole.BatchNormWeight or WeightRole.RunningVariance:
                Array.Fill(values, 1f);
                break;
        }

        return values;
    }

    // Box and Muller (1958), polar form not needed: 1 - NextDouble() is never zero.
    private static void FillNormal(Span<float> values, double deviation, Random random)
    {
        for (var i = 0; i < values.Length; i += 2)
        {
            var radius = deviation * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()));
            var (sine, cosine) = Math.SinCos(2 * Math.PI * random.NextDouble());
            values[i] = (float)(radius * cosine);
            if (i + 1 < values.Length)
            {
                values[i + 1] = (float)(radius * sine);
            }
        }
    }

    private static void FillUniform(Span<float> values, double limit, Random random)
    {
        foreach (ref var value in values)
        {
            value = (float)((2 * random.NextDouble() - 1) * limit);
        }
    }

    private string HashValues()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var tensor in Tensors)
        {
            hash.AppendData(MemoryMarshal.AsBytes(tensor.Values.Span));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
