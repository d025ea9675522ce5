using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Tests.Data;

public sealed class EpochOrderTests
{
    private static readonly int[][] Classes = [[.. Enumerable.Range(0, 90)], [.. Enumerable.Range(90, 7)], [.. Enumerable.Range(97, 3)]];

    [Fact]
    public void BalancedShowsEveryClassEquallyOftenAndEveryImageOfASmallOneNearlyEquallyOften()
    {
        var order = EpochOrder.Balanced(Classes, 100, new Random(1));

        Assert.Equal(100, order.Length);
        Assert.Equal([34, 33, 33], Classes.Select(images => order.Count(image => images.Contains(image))));
        Assert.All(Classes[1], image => Assert.InRange(order.Count(shown => shown == image), 4, 5));
        Assert.All(Classes[2], image => Assert.Equal(11, order.Count(shown => shown == image)));
        Assert.Equal(34, order.Where(image => image < 90).Distinct().Count());
    }

    [Fact]
    public void TheDiceDecide()
    {
        Assert.Equal(EpochOrder.Balanced(Classes, 100, new Random(1)), EpochOrder.Balanced(Classes, 100, new Random(1)));
        Assert.NotEqual(EpochOrder.Balanced(Classes, 100, new Random(1)), EpochOrder.Balanced(Classes, 100, new Random(2)));
        Assert.Equal(Enumerable.Range(0, 100), EpochOrder.Shuffled(new int[100], new Random(1)).Order());
    }
}
