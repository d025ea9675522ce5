namespace Microsoft.ML.ResNet.Trainers.Compiled;

/// <summary>A convolution, by Torch.</summary>
/// <param name="functions">How it is computed.</param>
/// <param name="input">The layer that it reads.</param>
/// <param name="layer">Its own layer.</param>
/// <param name="weight">The place of its filters among the plan's weights.</param>
/// <param name="filters">The filters, in the type of activations.</param>
/// <param name="passesOn">Whether what it reads has a gradient: all but images.</param>
internal sealed class ConvolutionOperation(
    ConvolutionFunctions functions, int input, int layer, int weight, nint filters, bool passesOn) : StepOperation
{
    public override IReadOnlyList<int> Weights => [weight];

    public override void Forward(StepWorker worker) =>
        worker.Set(layer, new StepTensor(functions.Forward(worker[input].Handle, filters, worker.Batch.IsNew), null));

    public override void Backward(StepWorker worker)
    {
        if (passesOn)
        {
            var gradient = worker.Gradient(layer);
            var images = functions.ImagesBackward(gradient.Handle, worker[input].Handle, filters, worker.Batch.IsNew);
            worker.AddGradient(input, new StepTensor(images, null));
        }

        worker.Postpone(this);
    }

    /// <summary>Computes the gradient of the filters, for which no other layer waits.</summary>
    public void BackwardOfFilters(StepWorker worker)
    {
        var gradient = worker.TakeGradient(layer);
        var ofFilters = functions.FiltersBackward(gradient.Handle, worker[input].Handle, filters, worker.Batch.IsNew);
        worker.SetWeightGradient(weight, new StepTensor(ofFilters, null));
        worker.Free(gradient);
    }
}
