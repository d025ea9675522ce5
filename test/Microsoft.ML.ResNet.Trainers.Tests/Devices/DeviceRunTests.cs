using Microsoft.ML.ResNet.Interop;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Trainers.Data;
using Microsoft.ML.ResNet.Trainers.Devices;
using Microsoft.ML.ResNet.Trainers.Log;

namespace Microsoft.ML.ResNet.Trainers.Tests.Devices;

/// <summary>A whole run, with what is done before and after the loop, where tensors are told to lie on a GPU and lie on the CPU.</summary>
public sealed class DeviceRunTests
{
    private static readonly LayerPlan Plan = LayerPlan.Create(TrainingData.Tiny, TrainingData.Shape, 3);

    public DeviceRunTests() => TorchRuntime.Initialize();

    [Theory]
    [InlineData(TrainableLayers.All)]
    [InlineData(TrainableLayers.Head)]
    public void ARunOnADeviceLearnsAsOnTheCpu(TrainableLayers layers)
    {
        var (_, onCpu) = Train(layers, TensorFactory.OnCpu);
        var (weights, history) = Train(layers, TensorFactory.Fake(TrainingDevice.Cuda(1), TorchSharp.torch.CPU));

        Assert.Equal(Plan.Weights.Select(spec => spec.Name), weights.Tensors.Select(tensor => tensor.Name));
        Assert.Equal(onCpu.Epochs[0].Loss, history.Epochs[0].Loss, tolerance: 0.02);
        Assert.Equal(onCpu.Epochs[0].ValidationLoss!.Value, history.Epochs[0].ValidationLoss!.Value, tolerance: 0.05);
        Assert.EndsWith("; trained on cuda:1", history.Conditions!.Processor, StringComparison.Ordinal);
        Assert.DoesNotContain("trained on", onCpu.Conditions!.Processor, StringComparison.Ordinal);
    }

    private static (ResNetWeights Weights, TrainingHistory History) Train(TrainableLayers layers, TensorFactory tensors)
    {
        var options = new ResNetTrainer.Options
        {
            Architecture = TrainingData.Tiny,
            InputShape = TrainingData.Shape,
            Recipe = TrainingRecipe.Modern with { PreciseBatchNormImages = 32, LearningRate = 0.02 },
            Epochs = 1,
            BatchSize = 16,
            ThreadCount = 1,
            Calibrate = true,
            TrainableLayers = layers,
            FitHeadFirst = layers == TrainableLayers.All,
            InitialWeights = ResNetWeights.Initialize(Plan, 1),
            Precision = TrainingPrecision.Float32,
        };
        using var reporter = new TrainingReporter(new MLContext().Transforms.GetEnvironment().Register("test"), null);
        return new TrainingRun(Plan, options, seed: 1, reporter) { Tensors = tensors }.Train(Images(), checkpoints: null, checkpoint: null);
    }

    private static TrainingImages<byte> Images()
    {
        var (random, shape) = (new Random(1), TrainingData.Shape);
        StoredImage<byte>[] images =
        [
            .. Enumerable.Range(0, 60).Select(i => new StoredImage<byte>(
                Pictures.Draw(i % 3, shape.Height, shape.Width, shape.Channels, random), shape.Height, shape.Width, i % 3, 1)),
        ];
        var preprocessing = new ImagePreprocessing(shape, [100, 100, 100], [50, 50, 50]);
        return new TrainingImages<byte>([.. images[..48]], [.. images[48..]], preprocessing, Skipped: 0);
    }
}
