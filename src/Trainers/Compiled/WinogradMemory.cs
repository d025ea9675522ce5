using Microsoft.ML.ResNet.Trainers.Kernels;
using Microsoft.ML.ResNet.Trainers.Networks;

namespace Microsoft.ML.ResNet.Trainers.Compiled;

/// <summary>What the workers of a convolution by <see cref="WinogradKernels"/> read and write.</summary>
internal sealed unsafe class WinogradMemory
{
    private readonly float*[] _rooms;
    private readonly byte* _gradients;
    private readonly nint _gradientBytes;

    /// <param name="memory">Where it is taken from.</param>
    /// <param name="kernels">The kernels.</param>
    /// <param name="shape">The sizes of the convolution.</param>
    /// <param name="filters">The filters: [filters, 3, 3, channels].</param>
    /// <param name="passesOn">Whether the gradient of the images is computed.</param>
    /// <param name="isTrained">Whether that of the filters is.</param>
    /// <param name="rooms">Room for each worker, which one convolution after another uses.</param>
    public WinogradMemory(
        StepMemory memory, WinogradKernels kernels, ConvolutionShape shape, float* filters, bool passesOn, bool isTrained, float*[] rooms)
    {
        _rooms = rooms;
        Filters = filters;
        var floats = kernels.FilterFloats(shape.Channels, shape.Filters);
        Transformed = memory.Allocate<float>(floats);
        TransformedTurned = passesOn ? memory.Allocate<float>(floats) : null;
        _gradientBytes = (nint)shape.Filters * shape.Kernel * shape.Kernel * shape.Channels * kernels.ElementSize;
        _gradients = isTrained ? memory.Allocate<byte>(rooms.Length * _gradientBytes) : null;
    }

    /// <summary>Gets the filters.</summary>
    public float* Filters { get; }

    /// <summary>Gets the transformed filters, which workers write together at the start of a step.</summary>
    public float* Transformed { get; }

    /// <summary>Gets the turned filters, transformed; null where the images have no gradient.</summary>
    public float* TransformedTurned { get; }

    /// <summary>Gets where a worker writes the gradient of the filters, which are trained.</summary>
    public void* Gradient(int worker) => _gradients + worker * _gradientBytes;

    /// <summary>Gets the room of a worker.</summary>
    public float* Room(int worker) => _rooms[worker];
}
