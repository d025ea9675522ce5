using Microsoft.ML.ResNet.Trainers.Augmentation;

namespace Microsoft.ML.ResNet.Trainers.Tests.Augmentation;

/// <summary>Against batches that are cut one after another.</summary>
public sealed class BatchPlanTests
{
    [Theory]
    [InlineData(130, 64, new[] { 44, 43, 43 })]
    [InlineData(128, 64, new[] { 64, 64 })]
    [InlineData(5, 64, new[] { 5 })]
    [InlineData(0, 64, new int[0])]
    public void BatchesFollowOneAnother(int images, int batchSize, int[] sizes)
    {
        var plan = new BatchPlan(images, batchSize);

        Assert.Equal(sizes, Enumerable.Range(0, plan.Count).Select(plan.SizeOf));
        Assert.Equal(
            Enumerable.Range(0, plan.Count + 1).Select(batch => sizes.Take(batch).Sum()),
            Enumerable.Range(0, plan.Count + 1).Select(plan.StartOf));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void SlicesAreWholeTogetherAndNeedTheImageBefore(bool mixes)
    {
        var needed = Enumerable.Range(0, 3).SelectMany(rank =>
        {
            var plan = new BatchPlan(23, 8) { Slice = (rank, 3), MixesImages = mixes }; // 8, 8 and 7 images
            var own = Enumerable.Range(0, 23).Where(plan.IsNeeded).ToArray();

            // What every rank knows of the others is what each of them finds for itself.
            Assert.Equal(own, Enumerable.Range(0, plan.Rounds).SelectMany(round => plan.NeededBy(rank, round)));
            return own;
        });

        // Slices of 8 are 2, 3 and 3 images, those of 7 are 2, 2 and 3. The image before each slice is the last of another.
        int[] twice = mixes ? [1, 4, 7, 9, 12, 15, 17, 19, 22] : [];
        Assert.Equal(Enumerable.Range(0, 23).Concat(twice).Order(), needed.Order());
    }

    [Fact]
    public void InEachRoundARankMakesABatchOfItsOwn()
    {
        var plans = Enumerable.Range(0, 3).Select(rank => new BatchPlan(40, 8) { Batches = (rank, 3) }).ToArray();

        int[][] own = [[0, 3], [1, 4], [2]];
        Assert.Equal(own, plans.Select(plan => Enumerable.Range(0, plan.Count).Where(plan.IsOwn).ToArray()));
        Assert.All(plans, plan => Assert.Equal((5, 2, 3), (plan.Count, plan.Rounds, plan.Takers)));
        Assert.Equal(Enumerable.Range(32, 8), plans[0].NeededBy(rank: 1, round: 1));
        Assert.Empty(plans[0].NeededBy(rank: 2, round: 1));
    }
}
