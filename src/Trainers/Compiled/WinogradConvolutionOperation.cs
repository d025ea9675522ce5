using Microsoft.ML.ResNet.Trainers.Kernels;
using Microsoft.ML.ResNet.Trainers.Networks;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Compiled;

/// <summary>A 3×3 convolution with stride 1, by fewer products than it has (<see cref="WinogradKernels"/>).</summary>
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
    // Tiles at an end are computed whole: at 14×14 positions 256 results for 196 still repay it, and at 7×7 64 for 49.
    private const double MostWaste = 1.35;

    // Transformed filters are made and read in each step, and larger ones fit into no cache: 512 to 512 channels are 38 MB.
    private const int MostLargeFilters = 256 * 256;

    private readonly bool _passesOn = passesOn;

    /// <summary>Finds the tiles in which a convolution is computed faster than by Torch (docs/PERFORMANCE.md).</summary>
    /// <param name="shape">The convolution.</param>
    /// <param name="type">The type that Torch multiplies in. These kernels multiply in float32, whatever it is.</param>
    /// <returns>The results of a tile along each of its sides, 2 or 4; null where Torch is faster.</returns>
    public static int? TileSide(ConvolutionShape shape, ScalarType type)
    {
        if (shape is not { Kernel: 3, Stride: 1, Groups: 1 }
            || shape.Channels % WinogradKernels.ChannelMultiple != 0
            || shape.Filters % WinogradKernels.ChannelMultiple != 0)
        {
            return null;
        }

        // AMX has far more products of bfloat16 than tiles save; with shorter vectors, as on Arm, bfloat16 was not measured.
        var isFloat32 = type == ScalarType.Float32;
        var gains = isFloat32 || (ActivationKernels.WidestLanes == Lanes512.Count && !Processor.HasTiles);
        return gains && shape.Channels * shape.Filters <= MostLargeFilters && Fit(shape, 4) ? 4
            : isFloat32 && Fit(shape, 2) ? 2
            : null;
    }

    /// <summary>Gets a convolution's sizes for some images.</summary>
    public static WinogradShape Shape(ConvolutionShape shape, int images) =>
        new(images, shape.Height, shape.Width, shape.Channels, shape.Filters);

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

    private static bool Fit(ConvolutionShape shape, int side)
    {
        var tiles = Shape(shape, images: 1);
        return side * side * tiles.TileRows(side) * tiles.TileColumns(side) <= MostWaste * shape.Height * shape.Width;
    }

    private WinogradShape Of(StepWorker worker) => Shape(shape, worker.Images);
}
