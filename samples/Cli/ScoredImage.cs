namespace Cli;

/// <summary>What an image is, and the probability of each class that the network gives it.</summary>
/// <param name="Label">The index of its class.</param>
/// <param name="Scores">The probabilities.</param>
internal sealed record ScoredImage(int Label, float[] Scores)
{
    // As ML.NET's own log-loss has it: one probability of zero must not make it infinite.
    private const double SmallestProbability = 1e-15;

    /// <summary>Gets the index of the likeliest class.</summary>
    public int Predicted => Scores.IndexOf(Scores.Max());

    /// <summary>Gets the cross-entropy in nats.</summary>
    public double Loss => -Math.Log(Math.Max(Scores[Label], SmallestProbability));

    /// <summary>Tells whether the class is among the likeliest ones; of equals, the first is.</summary>
    public bool IsAmong(int top) =>
        Scores.Index().Count(score => score.Item > Scores[Label] || (score.Item == Scores[Label] && score.Index < Label)) < top;
}
