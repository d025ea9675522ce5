using Microsoft.ML.ResNet.Trainers.Kernels;
using Microsoft.ML.ResNet.Trainers.Networks;

namespace Microsoft.ML.ResNet.Trainers.Compiled;

/// <summary>A 3×3 convolution with stride 1 in float32, by fewer products than it has (<see cref="WinogradKernels"/>).</summary>
/// <param name="kernels">The kernels.</param>
/// <param name="memory">Its transformed filters, and room.</param>
/// <param name="shape">The sizes.</param>
/// <param name="input">The layer that it reads.</param>
/// <param name="layer">Its own layer.</param>
/// <param name="weight">The place of its filters among the plan's weights.</param>
/// <param name="passesOn">Whether what it reads has a gradient: all but images.</param>
internal sealed unsafe class WinogradConvolutionOperation(
    WinogradKernels kernels, WinogradMemory memory, ConvolutionShape shape, int input, int layer, int weight, bool passesOn)
    : ConvolutionOperation(input, layer, weight, passesOn)
{
    // Tiles at an odd end are computed whole: at 7×7 positions 64 results for 49 still repay
    // it (docs/PERFORMANCE.md); 36 for 25, at 5×5, were not measured, and are left to Torch.
    private const double MostWaste = 1.35;

    private readonly bool _passesOn = passesOn;

    /// <summary>Tells whether a convolution in float32 is computed faster this way.</summary>
    /// <param name="shape">The convolution.</param>
    public static bool Suits(ConvolutionShape shape)
    {
        var tiles = new WinogradShape(1, shape.Height, shape.Width, shape.Channels, shape.Filters);
        return shape is { Kernel: 3, Stride: 1, Groups: 1 }
            && shape.Channels % WinogradKernels.ChannelMultiple == 0
            && shape.Filters % WinogradKernels.ChannelMultiple == 0
            && 4 * tiles.TileRows * tiles.TileColumns <= MostWaste * shape.Height * shape.Width;
    }

    public override void Prepare(int worker, int workers)
    {
        const int Unit = WinogradKernels.ChannelMultiple;
        var units = shape.Filters / Unit;
        var (first, end) = (Unit * (units * worker / workers), Unit * (units * (worker + 1) / workers));
        kernels.TransformFilters(memory.Filters, shape.Channels, shape.Filters, first, end, memory.Transformed);
        if (_passesOn)
        {
            kernels.TransformTurnedFilters(memory.Filters, shape.Channels, shape.Filters, first, end, memory.TransformedTurned);
        }
    }

    protected override StepTensor Convolve(StepWorker worker, StepTensor images)
    {
        var result = worker.New(new ImageShape(shape.Filters, shape.Height, shape.Width));
        kernels.Convolve(images.Data, memory.Transformed, result.Data, Of(worker), memory.Room(worker.Index));
        return result;
    }

    protected override StepTensor ImagesGradient(StepWorker worker, StepTensor images, StepTensor gradient)
    {
        var result = worker.New(new ImageShape(shape.Channels, shape.Height, shape.Width));
        kernels.Convolve(gradient.Data, memory.TransformedTurned, result.Data, Of(worker).Turned, memory.Room(worker.Index));
        return result;
    }

    protected override void SetFiltersGradient(StepWorker worker, StepTensor images, StepTensor gradient, int weight)
    {
        var target = memory.Gradient(worker.Index);
        kernels.FiltersGradient(images.Data, gradient.Data, target, Of(worker), memory.Room(worker.Index));
        worker.SetWeightGradient(weight, target);
    }

    private WinogradShape Of(StepWorker worker) => new(worker.Images, shape.Height, shape.Width, shape.Channels, shape.Filters);
}
