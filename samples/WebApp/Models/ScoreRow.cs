namespace WebApp.Models;

/// <summary>What is read of a model's answer: the probabilities of its classes.</summary>
internal sealed class ScoreRow
{
    public float[] Score { get; set; } = [];
}
