using Microsoft.ML.ResNet.Trainers.Kernels;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Compiled;

/// <summary>Copies the slice's images.</summary>
/// <param name="shape">The shape of an image.</param>
/// <param name="type">The type of its numbers.</param>
/// <param name="kernels">The kernels.</param>
internal sealed unsafe class ImageOperation(ImageShape shape, ScalarType type, ActivationKernels kernels) : StepOperation
{
    private const int Layer = 0;

    public override void Forward(StepWorker worker)
    {
        var value = worker.New(shape, type);
        kernels.Round(worker.Batch.Pixels + (nint)worker.First * shape.Size, value.Data, (nint)worker.Images * shape.Size);
        worker.Set(Layer, value);
    }

    public override void Backward(StepWorker worker) => worker.FreeValue(Layer);
}
