using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Tests.Data;

public sealed class StratifiedSplitTests
{
    [Fact]
    public void HoldsOutTheSameShareOfEveryClass()
    {
        int[] labels = [.. Enumerable.Repeat(0, 100), .. Enumerable.Repeat(1, 20), .. Enumerable.Repeat(2, 3), 3];

        var heldOut = StratifiedSplit.Draw(labels, fraction: 0.2, new Random(1));

        Assert.Equal(
            [20, 4, 1, 0], Enumerable.Range(0, 4).Select(label => labels.Where((each, row) => each == label && heldOut[row]).Count()));
    }

    [Fact]
    public void LeavesEveryClassAnImageToTrainOn() =>
        Assert.Equal(2, StratifiedSplit.Draw([0, 0, 1, 1], fraction: 0.99, new Random(1)).Count(held => !held));

    [Fact]
    public void TheSeedDecides()
    {
        int[] labels = [.. Enumerable.Range(0, 1000).Select(row => row % 7)];

        Assert.Equal(StratifiedSplit.Draw(labels, 0.1, new Random(1)), StratifiedSplit.Draw(labels, 0.1, new Random(1)));
        Assert.NotEqual(StratifiedSplit.Draw(labels, 0.1, new Random(1)), StratifiedSplit.Draw(labels, 0.1, new Random(2)));
    }

    [Fact]
    public void HoldsOutTheSameShareOfEveryLabelWhereRowsHaveSeveral()
    {
        var (random, labelSets) = (new Random(3), new LabelSets(5));
        int[] sets = [.. Enumerable.Range(0, 400).Select(row => labelSets.NumberOf(
            [random.Next(2) == 0, random.Next(4) == 0, random.Next(10) == 0, random.Next(30) == 0, row == 7]))];

        var heldOut = StratifiedSplit.Draw(sets, labelSets, fraction: 0.2, new Random(1));

        var counts = labelSets.Count(sets);
        var held = labelSets.Count(sets.Where((_, row) => heldOut[row]));
        Assert.All(counts.Zip(held).Take(4), pair => Assert.InRange(pair.Second, 0.2 * pair.First - 4, 0.2 * pair.First + 4));
        Assert.Equal(0, held[4]); // its only row is trained on
        Assert.Equal(heldOut, StratifiedSplit.Draw(sets, labelSets, 0.2, new Random(1)));
        Assert.NotEqual(heldOut, StratifiedSplit.Draw(sets, labelSets, 0.2, new Random(2)));
    }
}
