using System.Collections.Immutable;

namespace Microsoft.ML.ResNet.Trainers.Reporting.Measures;

/// <summary>
/// Keeps the mistakes with the highest probabilities, and no more than asked for. Where a network is so sure that probabilities are equal,
/// the one that gives the image's own class less is worse.
/// </summary>
internal sealed class WorstMistakes(int capacity)
{
    private readonly PriorityQueue<Mistake, (float, float)> _mistakes = new(capacity + 1);      // the least bad one first

    /// <summary>Tells whether such a mistake is to be kept: only then is its picture worth making.</summary>
    public bool WouldKeep(float probability, float probabilityOfClass) =>
        _mistakes.Count < capacity
            || (_mistakes.TryPeek(out _, out var least) && Badness(probability, probabilityOfClass).CompareTo(least) > 0);

    public void Add(Mistake mistake)
    {
        _mistakes.Enqueue(mistake, Badness(mistake.Probability, mistake.ProbabilityOfClass));
        if (_mistakes.Count > capacity)
        {
            _mistakes.Dequeue();
        }
    }

    public ImmutableArray<Mistake> ToArray() =>
    [
        .. _mistakes.UnorderedItems.OrderByDescending(item => item.Priority)
            .ThenBy(item => item.Element.Path, StringComparer.Ordinal)
            .Select(item => item.Element),
    ];

    private static (float, float) Badness(float probability, float probabilityOfClass) => (probability, -probabilityOfClass);
}
