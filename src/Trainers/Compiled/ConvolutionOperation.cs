namespace Microsoft.ML.ResNet.Trainers.Compiled;

/// <summary>A convolution without bias. How it is computed, its kinds know.</summary>
/// <param name="input">The layer that it reads.</param>
/// <param name="layer">Its own layer.</param>
/// <param name="weight">The place of its filters among the plan's weights.</param>
/// <param name="passesOn">Whether what it reads has a gradient: all but images.</param>
internal abstract class ConvolutionOperation(int input, int layer, int weight, bool passesOn) : StepOperation
{
    public override IReadOnlyList<int> Weights => [weight];

    public override void Forward(StepWorker worker) => worker.Set(layer, Convolve(worker, worker[input]));

    public override void Backward(StepWorker worker)
    {
        if (passesOn)
        {
            worker.AddGradient(input, ImagesGradient(worker, worker[input], worker.Gradient(layer)));
        }

        worker.Postpone(this);
    }

    /// <summary>Computes the gradient of the filters, for which no other layer waits.</summary>
    public void BackwardOfFilters(StepWorker worker)
    {
        var gradient = worker.TakeGradient(layer);
        SetFiltersGradient(worker, worker[input], gradient, weight);
        worker.Free(gradient);
    }

    /// <summary>Convolves.</summary>
    protected abstract StepTensor Convolve(StepWorker worker, StepTensor images);

    /// <summary>Computes the gradient of the images, from that of the result.</summary>
    protected abstract StepTensor ImagesGradient(StepWorker worker, StepTensor images, StepTensor gradient);

    /// <summary>Computes the gradient of the filters, from that of the result, and hands it to the worker.</summary>
    protected abstract void SetFiltersGradient(StepWorker worker, StepTensor images, StepTensor gradient, int weight);
}
