namespace Microsoft.ML.ResNet.Trainers.Checkpoints;

/// <summary>Sums over images; averages are computed from them at the end.</summary>
internal readonly record struct Tally(long Seen, long Correct, double LossSum)
{
    public double Loss => LossSum / Seen;

    public double Accuracy => (double)Correct / Seen;

    public static Tally operator +(Tally left, Tally right) =>
        new(left.Seen + right.Seen, left.Correct + right.Correct, left.LossSum + right.LossSum);
}
