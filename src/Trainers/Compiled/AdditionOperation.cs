using Microsoft.ML.ResNet.Trainers.Kernels;

namespace Microsoft.ML.ResNet.Trainers.Compiled;

/// <summary>
/// The sum of a residual and a shortcut, and the ReLU that follows it, where no normalization comes right before them; with stochastic
/// depth, the residual of each image is scaled first. Or a ReLU alone. The result takes the residual's memory.
/// </summary>
/// <param name="kernels">The kernels.</param>
internal sealed unsafe class AdditionOperation(ActivationKernels kernels) : StepOperation
{
    /// <summary>Gets the layer of the residual, which nothing else reads.</summary>
    public required int Residual { get; init; }

    /// <summary>Gets the layer that is added; null for none.</summary>
    public required int? Shortcut { get; init; }

    /// <summary>Gets whether negative values become zero.</summary>
    public required bool Rectifies { get; init; }

    /// <summary>Gets the place of the addition among the plan's; null where its residual is never scaled.</summary>
    public required int? Addition { get; init; }

    /// <summary>Gets the layer whose value is set.</summary>
    public required int Layer { get; init; }

    /// <summary>Gets the shape of an image's value.</summary>
    public required ImageShape Shape { get; init; }

    public override void Forward(StepWorker worker)
    {
        var y = worker.Take(Residual);
        var shortcut = Shortcut is { } added ? worker[added].Data : null;
        kernels.Add(y.Data, Keep(worker), shortcut, Rectifies, y.Data, worker.Images, Shape.Size);
        worker.Set(Layer, y);
    }

    public override void Backward(StepWorker worker)
    {
        var (g, g2) = worker.TakeGradients(Layer);
        var y = Rectifies ? worker[Layer].Data : null;
        var residual = Shortcut is null ? default : worker.New(Shape);
        var target = residual.Exists ? residual.Data : null;
        kernels.AddGradient(g.Data, g2.Exists ? g2.Data : null, y, Keep(worker), target, worker.Images, Shape.Size);
        worker.Free(g2);
        worker.FreeValue(Layer);
        if (Shortcut is { } added)
        {
            worker.AddGradient(added, g);
            worker.AddGradient(Residual, residual);
        }
        else
        {
            worker.AddGradient(Residual, g);
        }
    }

    private float* Keep(StepWorker worker) => worker.Batch.Keep is not null && Addition is { } addition
        ? worker.Batch.Keep + (nint)addition * worker.Batch.Count + worker.First
        : null;
}
