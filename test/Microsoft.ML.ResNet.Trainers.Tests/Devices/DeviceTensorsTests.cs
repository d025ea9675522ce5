using Microsoft.ML.ResNet.Trainers.Augmentation;
using Microsoft.ML.ResNet.Trainers.Data;
using Microsoft.ML.ResNet.Trainers.Devices;
using Microsoft.ML.ResNet.Trainers.Loop;
using Microsoft.ML.ResNet.Trainers.Networks;
using Microsoft.ML.ResNet.Trainers.Optimization;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Tests.Devices;

/// <summary>
/// A device that has no memory, Torch's meta, stands for a GPU: operations on it compute shapes, and fail where one of their tensors lies
/// on the CPU.
/// </summary>
public sealed class DeviceTensorsTests
{
    private static readonly LayerPlan Plan = LayerPlan.Create(TrainingData.Tiny, TrainingData.Shape, 3);

    private readonly TensorFactory _meta;

    public DeviceTensorsTests()
    {
        TorchRuntime.Initialize();
        _meta = TensorFactory.Fake(TrainingDevice.Cuda(), new Device(DeviceType.META));
    }

    [Fact]
    public void NetworkAveragesAndOptimizerLieOnTheDevice()
    {
        var recipe = TrainingRecipe.Modern with { EmaDecay = 0.9, Optimizer = OptimizerKind.AdamW, GradientClipNorm = null };
        using var network = new ResidualNetwork(Plan, ResNetWeights.Initialize(Plan, 1), TrainingPrecision.Float32, tensors: _meta);
        using var copy = new ResidualNetwork(Plan, ResNetWeights.Initialize(Plan, 1), TrainingPrecision.Float32, tensors: _meta);
        using var optimizer = Optimizer.Of(recipe, OptimizedParameter.Of(network, layerDecay: 1, recipe.WeightDecayScope));
        var average = new WeightAverage(network, copy, recipe.EmaDecay);
        using var snapshot = new Snapshot(network);

        Assert.All(network.State.Concat(copy.State).Concat(optimizer.State.Where(each => each.Value.ndim > 0)),
            each => Assert.True(each.Value.device_type == DeviceType.META, $"{each.Key} lies on {each.Value.device_type}"));
        optimizer.Step(0.1, [.. network.Parameters.Select(TensorFactory.ZerosLike)]);
        average.Update(step: 1);
        snapshot.Take();
    }

    [Fact]
    public void BatchesAreReadOnTheDevice()
    {
        using var scope = NewDisposeScope();
        using var batch = new Batch(4, Plan.Input.Size, _meta);
        batch.Reset(0, 3, Plan.Input);
        batch.ImageValues.Fill(1);
        batch.LabelValues.Clear();
        batch.CopyToDevice();

        Assert.All((Tensor[])[batch.Images, batch.Labels, batch.Weights], tensor => Assert.Equal(DeviceType.META, tensor.device_type));
        Assert.Equal([3, 3, 16, 16], batch.Images.shape);
        var logits = _meta.Zeros([3, 3], ScalarType.Float32);
        using var meter = new Meter(_meta);
        var loss = new ClassificationLoss(0.1, weighted: true);
        meter.Add(batch.Count, loss.Correct(logits, batch), loss.Of(logits, batch));

        // Of several labels with weights: without, Torch has no cross-entropy of them on a device without memory.
        var sets = Sets();
        using var ofLabels = new LabelLoss(sets, 0.1, weighted: true, LabelWeights.Of(sets, [0, 0]), _meta);
        meter.Add(batch.Count, ofLabels.Correct(logits, batch), ofLabels.Of(logits, batch));

        Assert.Equal(2, meter.Steps);
    }

    [Fact]
    public void SkippedBlocksAreScaledOnTheDevice()
    {
        using var scope = NewDisposeScope();
        var depth = new StochasticDepth(Plan, 0.5);
        var result = depth.Apply(Plan.Layers.OfType<AddLayer>().First(), _meta.Zeros([4, 8, 16, 16], ScalarType.BFloat16));

        Assert.Equal((DeviceType.META, ScalarType.BFloat16), (result.device_type, result.dtype));
    }

    [Fact]
    public void OnTheCpuNothingIsCopied()
    {
        using var batch = new Batch(2, Plan.Input.Size);
        batch.Reset(0, 2, Plan.Input);
        batch.CopyToDevice();
        batch.ImageValues.Fill(3);

        using var scope = NewDisposeScope();
        Assert.Equal(3, batch.Images.mean().item<float>());
    }

    private static LabelSets Sets()
    {
        var sets = new LabelSets(3);
        sets.NumberOf([true, false, true]); // number 0, which the labels of an empty batch are
        return sets;
    }
}
