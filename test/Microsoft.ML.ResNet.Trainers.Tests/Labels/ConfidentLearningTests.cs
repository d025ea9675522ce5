using Microsoft.ML.ResNet.Trainers.Labels;

namespace Microsoft.ML.ResNet.Trainers.Tests.Labels;

public sealed class ConfidentLearningTests
{
    [Fact]
    public void A_threshold_is_the_mean_probability_of_the_class_over_the_rows_labelled_so()
    {
        float[] probabilities = [0.9f, 0.1f, 0, 0.5f, 0.5f, 0, 0.2f, 0.8f, 0];

        var thresholds = ConfidentLearning.Thresholds(probabilities, [0, 0, 1], classes: 3);

        Assert.Equal(0.7, thresholds[0], 1e-6);
        Assert.Equal(0.8, thresholds[1], 1e-6);
        Assert.True(thresholds[2] > 1); // a class without rows is suggested for none
    }

    [Theory]
    [InlineData(new[] { 0.6f, 0.3f, 0.1f }, 0)]                           // two reach their thresholds: the likelier one
    [InlineData(new[] { 0.45f, 0.3f, 0.25f }, 1)]                         // the likeliest does not reach its own
    [InlineData(new[] { 0.4f, 0.1f, 0.5f }, ConfidentLearning.None)]
    public void A_row_belongs_to_the_likeliest_class_whose_threshold_it_reaches(float[] probabilities, int expected) =>
        Assert.Equal(expected, ConfidentLearning.ClassOf(probabilities, [0.5, 0.2, 0.9]));
}
