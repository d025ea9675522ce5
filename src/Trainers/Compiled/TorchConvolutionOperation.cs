namespace Microsoft.ML.ResNet.Trainers.Compiled;

/// <summary>A convolution, by Torch.</summary>
/// <param name="functions">How it is computed.</param>
/// <param name="input">The layer that it reads.</param>
/// <param name="layer">Its own layer.</param>
/// <param name="weight">The place of its filters among the plan's weights.</param>
/// <param name="filters">The filters, in the type of activations.</param>
/// <param name="passesOn">Whether what it reads has a gradient: all but images.</param>
internal sealed class TorchConvolutionOperation(
    ConvolutionFunctions functions, int input, int layer, int weight, nint filters, bool passesOn)
    : ConvolutionOperation(input, layer, weight, passesOn)
{
    protected override StepTensor Convolve(StepWorker worker, StepTensor images) =>
        new(functions.Forward(images.Handle, filters, worker.Batch.IsNew), null);

    protected override StepTensor ImagesGradient(StepWorker worker, StepTensor images, StepTensor gradient) =>
        new(functions.ImagesBackward(gradient.Handle, images.Handle, filters, worker.Batch.IsNew), null);

    protected override void SetFiltersGradient(StepWorker worker, StepTensor images, StepTensor gradient, int weight)
    {
        var ofFilters = functions.FiltersBackward(gradient.Handle, images.Handle, filters, worker.Batch.IsNew);
        worker.SetWeightGradient(weight, new StepTensor(ofFilters, null));
    }
}
