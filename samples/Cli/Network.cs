using System.Collections.Immutable;
using Microsoft.ML.ResNet;

namespace Cli;

/// <summary>A network from a file: its weights, what they are the weights of, and how images become its input.</summary>
/// <param name="Source">The file, or the name of published weights.</param>
/// <param name="Weights">The weights.</param>
/// <param name="Architecture">The network.</param>
/// <param name="Preprocessing">How images become its input; null where nothing says.</param>
internal sealed record Network(string Source, ResNetWeights Weights, ResNetArchitecture Architecture, ImagePreprocessing? Preprocessing)
{
    /// <summary>Gets how images become the network's input.</summary>
    /// <exception cref="ArgumentException">Nothing says.</exception>
    public ImagePreprocessing RequiredPreprocessing => Preprocessing ?? throw new ArgumentException(
        $"'{Source}' does not say how images become the network's input. "
            + $"Say it with --preprocessing {string.Join('|', NetworkOptions.Preprocessings.Keys)}.");

    /// <summary>Gets the layers, for the input that the file tells or the network was published with.</summary>
    public LayerPlan Plan => TensorFit.Plan(Architecture, Weights, Preprocessing?.Input)!;

    /// <summary>Gets the weights with all that is known beside them, to be saved.</summary>
    public ResNetWeights Documented =>
        new(Weights.Tensors)
        {
            ArchitectureName = Architecture.Name,
            Architecture = Architecture,
            Preprocessing = Preprocessing,
            ClassNames = Weights.ClassNames,
            Card = Weights.Card,
        };

    /// <summary>Gets the names of the classes: numbers, where nothing says others.</summary>
    public ImmutableArray<string> NamedClasses => Weights.ClassNames.IsEmpty && Weights.TryGet("fc.bias", out var bias)
        ? [.. Enumerable.Range(0, bias.Shape[0]).Select(number => number.ToString(System.Globalization.CultureInfo.InvariantCulture))]
        : Weights.ClassNames;

    /// <summary>Gets what to do where folders have other names than the classes.</summary>
    public string ClassesAdvice => Weights.ClassNames.IsEmpty
        ? $" '{Source}' does not say what its classes are called: name them with --classes, a text file with one a line, in the order "
            + "of its outputs."
        : "";
}
