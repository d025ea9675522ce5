using Microsoft.ML.ResNet.Trainers.Kernels;

namespace Microsoft.ML.ResNet.Trainers.Compiled;

/// <summary>Max pooling.</summary>
/// <param name="shape">The sizes.</param>
/// <param name="input">The layer that it reads.</param>
/// <param name="layer">Its own layer.</param>
/// <param name="kernels">The kernels.</param>
/// <param name="sums">Room for the floats of one image, for each worker.</param>
internal sealed unsafe class MaxPoolOperation(PoolShape shape, int input, int layer, ActivationKernels kernels, float* sums) : StepOperation
{
    public override void Forward(StepWorker worker)
    {
        var y = worker.New(new ImageShape(shape.Channels, shape.ResultHeight, shape.ResultWidth));
        kernels.MaxPool(worker[input].Data, y.Data, worker.Images, shape);
        worker.Set(layer, y);
    }

    public override void Backward(StepWorker worker)
    {
        var gradient = worker.TakeGradient(layer);
        var target = worker.New(new ImageShape(shape.Channels, shape.Height, shape.Width));
        var room = sums + worker.Index * shape.Size;
        kernels.MaxPoolGradient(gradient.Data, worker[input].Data, worker[layer].Data, target.Data, worker.Images, shape, room);
        worker.Free(gradient);
        worker.FreeValue(layer);
        worker.AddGradient(input, target);
    }
}

/// <summary>Average pooling over windows that do not overlap.</summary>
/// <param name="shape">The sizes.</param>
/// <param name="input">The layer that it reads.</param>
/// <param name="layer">Its own layer.</param>
/// <param name="kernels">The kernels.</param>
internal sealed unsafe class AveragePoolOperation(PoolShape shape, int input, int layer, ActivationKernels kernels) : StepOperation
{
    public override void Forward(StepWorker worker)
    {
        var y = worker.New(new ImageShape(shape.Channels, shape.ResultHeight, shape.ResultWidth));
        kernels.AveragePool(worker[input].Data, y.Data, worker.Images, shape);
        worker.Set(layer, y);
    }

    public override void Backward(StepWorker worker)
    {
        var gradient = worker.TakeGradient(layer);
        var target = worker.New(new ImageShape(shape.Channels, shape.Height, shape.Width));
        kernels.AveragePoolGradient(gradient.Data, target.Data, worker.Images, shape);
        worker.Free(gradient);
        worker.FreeValue(layer);
        worker.AddGradient(input, target);
    }
}

/// <summary>The means over all positions, as floats.</summary>
/// <param name="shape">The shape of what it reads.</param>
/// <param name="input">The layer that it reads.</param>
/// <param name="layer">Its own layer.</param>
/// <param name="kernels">The kernels.</param>
internal sealed unsafe class MeanOperation(ImageShape shape, int input, int layer, ActivationKernels kernels) : StepOperation
{
    public override void Forward(StepWorker worker)
    {
        var y = worker.New(new ImageShape(shape.Channels, 1, 1), StepProgram.VectorType);
        kernels.Mean(worker[input].Data, (float*)y.Data, worker.Images, shape.Height * shape.Width, shape.Channels);
        worker.Set(layer, y);
    }

    public override void Backward(StepWorker worker)
    {
        var gradient = worker.TakeGradient(layer);
        var target = worker.New(shape);
        kernels.MeanGradient((float*)gradient.Data, target.Data, worker.Images, shape.Height * shape.Width, shape.Channels);
        worker.Free(gradient);
        worker.FreeValue(layer);
        worker.AddGradient(input, target);
    }
}
