using System.Collections.Immutable;

namespace Microsoft.ML.ResNet.Trainers.Reporting.Measures;

/// <summary>Counts which class was taken for which. It holds the pairs that occur, not a square of all classes.</summary>
internal sealed class ConfusionCounts(ImmutableArray<string> classNames)
{
    private readonly long[] _support = new long[classNames.Length];
    private readonly long[] _predicted = new long[classNames.Length];
    private readonly Dictionary<(int Class, int Predicted), long> _counts = [];

    public long Total { get; private set; }

    public long Correct { get; private set; }

    public void Add(int label, int predicted)
    {
        Total++;
        Correct += label == predicted ? 1 : 0;
        _support[label]++;
        _predicted[predicted]++;
        _counts[(label, predicted)] = _counts.GetValueOrDefault((label, predicted)) + 1;
    }

    public ImmutableArray<ClassResult> ToClasses() =>
        [
            .. classNames.Select(
                (name, index) => new ClassResult(name, _support[index], _predicted[index], _counts.GetValueOrDefault((index, index)))),
        ];

    public ImmutableArray<Confusion> ToConfusions() =>
    [
        .. _counts.Where(pair => pair.Key.Class != pair.Key.Predicted)
            .Select(pair => new Confusion(pair.Key.Class, pair.Key.Predicted, pair.Value))
            .OrderByDescending(confusion => confusion.Count).ThenBy(confusion => confusion.Class).ThenBy(confusion => confusion.Predicted),
    ];
}

/// <summary>Images of one class that were given to another.</summary>
/// <param name="Class">The index of their class.</param>
/// <param name="Predicted">The index of the class they were given to.</param>
/// <param name="Count">How many they are.</param>
internal sealed record Confusion(int Class, int Predicted, long Count);
