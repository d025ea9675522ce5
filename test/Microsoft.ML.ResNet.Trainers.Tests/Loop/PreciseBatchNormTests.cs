using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Data;
using Microsoft.ML.ResNet.Trainers.Loop;
using Microsoft.ML.ResNet.Trainers.Networks;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Tests.Loop;

public sealed class PreciseBatchNormTests
{
    [Fact]
    public void StatisticsAreTheMeanOfTheBatches()
    {
        TorchRuntime.Initialize();
        var plan = LayerPlan.Create(TrainingData.Tiny, TrainingData.Shape, 3);
        var preprocessing = new ImagePreprocessing(TrainingData.Shape, [100, 100, 100], [50, 50, 50]);
        var random = new Random(1);
        ImageSet<byte> images = [.. Enumerable.Range(0, 48)
            .Select(i => new StoredImage<byte>(TestSupport.Pictures.Draw(i % 3, 16, 16, 3, random), 16, 16, i % 3, 1))];
        using var loader = new BatchLoader<byte>(images, 16, [InputPipeline.AsScored(preprocessing)], epochs: 1, shuffleSeed: 1);
        using var network = new ResidualNetwork(plan, ResNetWeights.Initialize(plan, 1), TrainingPrecision.Float32);

        PreciseBatchNorm.Compute(network, loader, epoch: 1, count: 32, CancellationToken.None);

        // The first normalization sees the first convolution's results, which do not depend on any statistics: two batches of them.
        var mean = network.State.Single(each => each.Key == "bn1.running_mean").Value.data<float>().ToArray();
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var filters = network.State.Single(each => each.Key == "conv1.weight").Value;
        var expected = loader.Epoch(1)
            .Take(2)
            .Select(batch => nn.functional.conv2d(batch.Images, filters, null, [1L, 1L], [1L, 1L]).mean([0, 2, 3]).data<float>().ToArray())
            .ToArray();
        for (var i = 0; i < mean.Length; i++)
        {
            Assert.Equal((expected[0][i] + expected[1][i]) / 2, mean[i], tolerance: 1e-4f);
        }
    }
}
