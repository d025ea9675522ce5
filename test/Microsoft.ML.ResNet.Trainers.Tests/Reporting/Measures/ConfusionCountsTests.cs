using Microsoft.ML.ResNet.Trainers.Reporting.Measures;

namespace Microsoft.ML.ResNet.Trainers.Tests.Reporting.Measures;

public sealed class ConfusionCountsTests
{
    [Fact]
    public void Classes_and_pairs_are_counted()
    {
        var counts = new ConfusionCounts(["cat", "dog", "owl", "yak"]);
        foreach (var (label, predicted) in new[] { (0, 0), (0, 0), (0, 0), (0, 1), (1, 1), (1, 0), (1, 0), (2, 1) })
        {
            counts.Add(label, predicted);
        }

        Assert.Equal((8, 4), (counts.Total, counts.Correct));
        Assert.Equal([new Confusion(1, 0, 2), new Confusion(0, 1, 1), new Confusion(2, 1, 1)], counts.ToConfusions().AsEnumerable());

        var (cat, owl, yak) = (counts.ToClasses()[0], counts.ToClasses()[2], counts.ToClasses()[3]);
        Assert.Equal(new ClassResult("cat", Support: 4, Predicted: 5, Correct: 3), cat);
        Assert.Equal((0.6, 0.75), (cat.Precision, cat.Recall));
        Assert.Equal(2 * 0.6 * 0.75 / (0.6 + 0.75), cat.F1, 1e-12);
        Assert.Equal((0, 0, 0), (owl.Precision, owl.Recall, owl.F1));
        Assert.Equal((0, 0, 0), (yak.Precision, yak.Recall, yak.F1));
    }
}
