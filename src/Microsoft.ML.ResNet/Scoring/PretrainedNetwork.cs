using System.Collections.Immutable;
using System.Globalization;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Onnx;

namespace Microsoft.ML.ResNet.Scoring;

/// <summary>
/// A network made from published weights, checked: that they fit the architecture, and that it is known how images become its input.
/// </summary>
internal static class PretrainedNetwork
{
    private const string Label = nameof(Label);

    /// <summary>Makes a network that classifies.</summary>
    public static ResNetModel Classifier(ResNetWeights weights, ResNetArchitecture? architecture, ImagePreprocessing? preprocessing)
    {
        var classCount = weights.TryGet(LayerPlan.HeadWeight, out var head)
            ? head.Shape[0]
            : throw new ArgumentException(
                $"The weights have no head ('{LayerPlan.HeadWeight}'), so they cannot classify. "
                + "Use ResNetFeaturizeImage, or train with them as InitialWeights.", nameof(weights));
        return Make(weights, architecture, preprocessing, classCount, strict: true) with
        {
            Card = weights.Card,
            UnknownThreshold = UnknownThreshold(weights.Card?.UnknownThreshold),
            IsMultilabel = weights.Card?.IsMultilabel == true,
        };
    }

    /// <summary>
    /// Gets the probability that some class must be above, for an image to be of a class at all; null for a network that has no such
    /// rule, or whose file says one that cannot be.
    /// </summary>
    /// <param name="ofCard">What its card says.</param>
    public static float? UnknownThreshold(float? ofCard) => ofCard is >= 0 and < 1 ? ofCard : null;

    /// <summary>Makes a network whose features are wanted; it needs no head.</summary>
    public static ResNetModel Featurizer(ResNetWeights weights, ResNetArchitecture? architecture, ImagePreprocessing? preprocessing) =>
        Make(
            weights,
            architecture,
            preprocessing,
            classCount: weights.TryGet(LayerPlan.HeadWeight, out var head) ? head.Shape[0] : 1,
            strict: false);

    /// <summary>Makes the label column that a classifier without training data would have had.</summary>
    /// <param name="classNames">The names of the classes.</param>
    /// <param name="isMultilabel">Whether an image may have several labels.</param>
    public static LabelColumn LabelOf(ImmutableArray<string> classNames, bool isMultilabel = false)
    {
        var count = classNames.Length;
        var annotations = new DataViewSchema.Annotations.Builder();
        ValueGetter<VBuffer<ReadOnlyMemory<char>>> getNames = (ref VBuffer<ReadOnlyMemory<char>> values) =>
            values = new VBuffer<ReadOnlyMemory<char>>(count, [.. classNames.Select(name => name.AsMemory())]);
        annotations.Add(isMultilabel ? "SlotNames" : "KeyValues", new VectorDataViewType(TextDataViewType.Instance, count), getNames);
        DataViewType type = isMultilabel
            ? new VectorDataViewType(BooleanDataViewType.Instance, count)
            : new KeyDataViewType(typeof(uint), count);
        return new LabelColumn(Label, type, count, annotations.ToAnnotations());
    }

    /// <summary>Settles the class names: the caller's, or the weights' own, or 0, 1, 2, ….</summary>
    public static ImmutableArray<string> ClassNames(IEnumerable<string>? asked, ResNetWeights weights, int classCount)
    {
        ImmutableArray<string> names = asked is not null ? [.. asked] : weights.ClassNames;
        if (names.IsEmpty && asked is null)
        {
            return [.. Enumerable.Range(0, classCount).Select(number => number.ToString(CultureInfo.InvariantCulture))];
        }

        return names.Length == classCount
            ? names
            : throw new ArgumentException(
                $"The network has {classCount} classes, but {names.Length} class names are given. "
                + "Give one for each, in the order of its outputs.", nameof(asked));
    }

    private static ResNetModel Make(
        ResNetWeights weights, ResNetArchitecture? architecture, ImagePreprocessing? preprocessing, int classCount, bool strict)
    {
        preprocessing = (preprocessing ?? weights.Preprocessing)?.Validated()
            ?? throw new ArgumentException(
                "The weights do not say how images become the network's input. Give the preprocessing that they were trained with, "
                + "such as ImagePreprocessing.ImageNetV1 or ImagePreprocessing.Cifar10.", nameof(preprocessing));
        var plan = LayerPlan.Create(architecture ?? ArchitectureOf(weights), preprocessing.Input, classCount);
        return new ResNetModel(plan, weights.For(plan, strict), preprocessing);
    }

    private static ResNetArchitecture ArchitectureOf(ResNetWeights weights)
    {
        if (weights.Architecture is { } architecture)
        {
            return architecture;
        }

        if (weights.ArchitectureName is not { } name)
        {
            throw new ArgumentException(
                "The weights do not say which network they belong to. Give the architecture, such as ResNetArchitecture.ResNet50.",
                "architecture");
        }

        return ResNetArchitecture.All.FirstOrDefault(row => row.Name == name)
            ?? throw new ArgumentException(
                $"The weights belong to network '{name}', which is none of the library's own. Give its architecture.", "architecture");
    }
}
