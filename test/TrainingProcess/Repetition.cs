using Microsoft.ML;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Trainers;

/// <summary>One training after another, as in a service that trains on demand.</summary>
internal static class Repetition
{
    public static void Run(int count)
    {
        for (var training = 0; training < count; training++)
        {
            Train(size: 24 + 8 * (training % 4), batchSize: 32 << (training % 2));
            Console.WriteLine(Environment.WorkingSet >> 20);
        }
    }

    private static void Train(int size, int batchSize)
    {
        var ml = new MLContext(seed: 1);
        var pictures = Pictures.Load(ml, Pictures.Rows(perClass: 24, height: size, width: size, channels: 3));
        var data = ml.Transforms.Conversion.MapValueToKey("Label", nameof(PixelRow.Name)).Fit(pictures).Transform(pictures);
        ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Architecture = ResNetArchitecture.ResNet20,
            InputShape = new ImageShape(3, size, size),
            ImageColumnName = nameof(PixelRow.Bytes),
            Epochs = 1,
            BatchSize = batchSize,
            Precision = TrainingPrecision.Float32,
        }).Fit(data).Dispose();
    }
}
