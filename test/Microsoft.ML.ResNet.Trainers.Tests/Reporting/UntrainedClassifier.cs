using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Trainers.Tests.Reporting;

/// <summary>A network of random weights, which is right about as often as dice are: enough of right and of wrong to count.</summary>
internal static class UntrainedClassifier
{
    public static ResNetClassificationTransformer Create(
        MLContext ml, IDataView data, string imageColumn, IEnumerable<string>? classNames = null, ImageShape? shape = null)
    {
        string[] names = [.. classNames ?? Pictures.ClassNames];
        var input = shape ?? TrainingData.Shape;
        float[] perChannel = [.. Enumerable.Repeat(imageColumn == "Floats" ? 0.5f : 120, input.Channels)];
        var weights = ResNetWeights.Initialize(LayerPlan.Create(TrainingData.Tiny, input, names.Length), seed: 4);
        return ml.Transforms.ApplyResNet(weights, TrainingData.Tiny, names, imageColumn,
            new ImagePreprocessing(input, [.. perChannel], [.. perChannel])).Fit(data);
    }
}
