using Microsoft.ML.ResNet.Trainers.Reporting.Measures;

namespace Microsoft.ML.ResNet.Trainers.Tests.Reporting.Measures;

public sealed class WorstMistakesTests
{
    [Fact]
    public void The_surest_are_kept_the_worst_first()
    {
        var worst = new WorstMistakes(capacity: 2);
        foreach (var probability in new[] { 0.5f, 0.9f, 0.4f, 0.7f })
        {
            if (worst.WouldKeep(probability, 0.1f))
            {
                worst.Add(Mistake(probability, 0.1f));
            }
        }

        Assert.Equal([0.9f, 0.7f], worst.ToArray().Select(mistake => mistake.Probability));
        Assert.False(worst.WouldKeep(0.7f, 0.1f));
        Assert.True(worst.WouldKeep(0.71f, 0.1f));
    }

    [Fact]
    public void Of_equally_sure_ones_that_is_worse_which_gives_the_right_class_less()
    {
        var worst = new WorstMistakes(capacity: 2);
        worst.Add(Mistake(1, 1e-9f));
        worst.Add(Mistake(1, 1e-7f));
        worst.Add(Mistake(1, 1e-8f));

        Assert.Equal([1e-9f, 1e-8f], worst.ToArray().Select(mistake => mistake.ProbabilityOfClass));
    }

    [Fact]
    public void None_is_kept_where_none_is_asked_for()
    {
        Assert.False(new WorstMistakes(capacity: 0).WouldKeep(1, 0));
        Assert.Empty(new WorstMistakes(capacity: 0).ToArray());
    }

    private static Mistake Mistake(float probability, float probabilityOfClass) =>
        new(0, 0, 1, probability, probabilityOfClass, null, null);
}
