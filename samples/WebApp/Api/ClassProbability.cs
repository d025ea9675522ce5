namespace WebApp.Api;

/// <summary>A class and how probable it is.</summary>
/// <param name="Label">The name of the class.</param>
/// <param name="Probability">Its probability, 0 to 1.</param>
internal sealed record ClassProbability(string Label, float Probability)
{
    /// <summary>Takes the most probable classes, most probable first.</summary>
    public static ClassProbability[] Top(IReadOnlyList<string> classNames, float[] scores, int count) =>
        [.. classNames.Zip(scores, (label, score) => new ClassProbability(label, score))
            .OrderByDescending(each => each.Probability)
            .Take(count)];
}
