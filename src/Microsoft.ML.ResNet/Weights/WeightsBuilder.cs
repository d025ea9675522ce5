using System.Collections.Immutable;
using Microsoft.ML.ResNet.Files;
using Microsoft.ML.ResNet.Graphs;
using static Microsoft.ML.ResNet.Files.ErrorText;

namespace Microsoft.ML.ResNet.Weights;

/// <summary>
/// Collects the tensors of a file. Every reader declares a tensor here before it makes room for its values, so this is the one place
/// where names become ours and where sizes are held against the size of the file.
/// </summary>
internal sealed class WeightsBuilder
{
    /// <summary>ResNet-1202 has 7,208 tensors, batch counters included.</summary>
    public const int MaxTensors = 1 << 16;

    private const int MaxRank = 8;
    private readonly List<PendingTensor> _tensors = [];
    private readonly HashSet<string> _names = [];
    private readonly MemoryAllowance _allowance;
    private long _bytesLeft;

    public WeightsBuilder(MemoryAllowance allowance)
    {
        _allowance = allowance;
        _bytesLeft = allowance.ExpandedBytes;
    }

    public ImagePreprocessing? Preprocessing { get; set; }

    public ImmutableArray<string>? ClassNames { get; set; }

    public string? ArchitectureName { get; set; }

    public ResNetArchitecture? Architecture { get; set; }

    public ModelCard? Card { get; set; }

    /// <summary>Gets the card with the names of the classes, which files say elsewhere.</summary>
    public ModelCard? FinishedCard => Card is null ? null : Card with { ClassNames = ClassNames ?? [] };

    /// <summary>Announces a tensor.</summary>
    /// <returns>The tensor, to be filled; null for one that no network has, which is skipped.</returns>
    public PendingTensor? Declare(string storedName, ElementType type, ReadOnlySpan<long> shape)
    {
        if (TensorNames.Normalize(storedName) is not { } name)
        {
            return null;
        }

        if (name.Length == 0)
        {
            throw new InvalidDataException("it holds a tensor without a name");
        }

        if (!type.IsFloat)
        {
            throw new InvalidDataException(
                $"tensor {Quote(name)} holds {type} values, but weights are float32, float64, float16 or bfloat16");
        }

        var count = CountValues(name, shape);
        _bytesLeft -= count * (long)sizeof(float);
        if (_bytesLeft < 0)
        {
            throw new InvalidDataException($"its tensors claim more than {_allowance.ExpandedBytes:n0} bytes, "
                + $"far more than a file of {_allowance.FileLength:n0} bytes can hold");
        }

        _allowance.Take(count * (long)sizeof(float));

        if (!_names.Add(name))
        {
            throw new InvalidDataException($"it holds two tensors named {Quote(name)}");
        }

        if (_tensors.Count == MaxTensors)
        {
            throw new InvalidDataException($"it holds more than {MaxTensors:n0} tensors");
        }

        var tensor = new PendingTensor(name, type, Dimensions(shape), count);
        _tensors.Add(tensor);
        return tensor;
    }

    public ResNetWeights Build() => _tensors.Count > 0
        ? Build(_tensors.Select(tensor => tensor.ToWeightTensor()))
        : throw new InvalidDataException("it holds no tensor of weights");

    /// <summary>Builds what there is, though it may be no more than what the file says about itself.</summary>
    public ResNetWeights BuildMetadata() => Build(_tensors.Select(tensor => tensor.ToWeightTensor()));

    /// <summary>Makes the weights of a network that was recognized by its graph, in place of the tensors that were declared.</summary>
    public ResNetWeights Build(RecognizedNetwork network)
    {
        Preprocessing ??= network.Preprocessing;
        (Architecture, ArchitectureName) = (network.Architecture, network.Architecture.Name);
        return Build(network.Tensors.Select(tensor => new WeightTensor(tensor.Name, tensor.Shape, tensor.Values)));
    }

    private ResNetWeights Build(IEnumerable<WeightTensor> tensors) => new(tensors)
    {
        Preprocessing = Preprocessing,
        ClassNames = ClassNames ?? [],
        ArchitectureName = ArchitectureName,
        Architecture = Architecture,
        Card = FinishedCard,
    };

    // The product of all dimensions but zeros is bounded, so that no order of multiplying them overflows.
    private static int CountValues(string name, ReadOnlySpan<long> shape)
    {
        if (shape.Length > MaxRank)
        {
            throw new InvalidDataException($"tensor {Quote(name)} has {shape.Length} dimensions, but weights have at most {MaxRank}");
        }

        var (product, isEmpty) = (1L, false);
        foreach (var dimension in shape)
        {
            if (dimension < 0 || dimension > Array.MaxLength || product * Math.Max(dimension, 1) > Array.MaxLength)
            {
                throw new InvalidDataException(
                    $"tensor {Quote(name)} is shaped {Shape(shape.ToArray())}, which is no size of a tensor that fits in memory");
            }

            product *= Math.Max(dimension, 1);
            isEmpty |= dimension == 0;
        }

        return isEmpty ? 0 : (int)product;
    }

    private static ImmutableArray<int> Dimensions(ReadOnlySpan<long> shape)
    {
        var dimensions = ImmutableArray.CreateBuilder<int>(shape.Length);
        foreach (var dimension in shape)
        {
            dimensions.Add((int)dimension);
        }

        return dimensions.MoveToImmutable();
    }
}
