using System.Runtime.Intrinsics;

namespace Microsoft.ML.ResNet.Trainers.Kernels;

/// <summary>
/// What a training step computes between convolutions, and its gradients, each in as few passes over memory as it takes. Activations are
/// channels-last: rows of channels, one row for each position of each image. Everything is computed in float32, on the caller's thread.
/// </summary>
/// <remarks>
/// The methods trust their callers with sizes: pointers to so many rows of so many values. Channels must be a multiple of
/// <see cref="Lanes"/>, which <see cref="For(bool, int)"/> chooses.
/// </remarks>
internal abstract unsafe class ActivationKernels
{
    /// <summary>Gets the values that are computed with at once.</summary>
    public abstract int Lanes { get; }

    /// <summary>Gets the bytes of a value.</summary>
    public abstract int ElementSize { get; }

    /// <summary>Finds the widest kernels for a number of channels on this CPU.</summary>
    /// <param name="bfloat16">Whether activations are kept in bfloat16, and not in float32.</param>
    /// <param name="channels">The channels of a row.</param>
    public static ActivationKernels For(bool bfloat16, int channels) => For(bfloat16, channels, WidestLanes);

    /// <summary>As above, for no more than some lanes: tests compare the widths.</summary>
    internal static ActivationKernels For(bool bfloat16, int channels, int mostLanes) =>
        mostLanes >= Lanes512.Count && channels % Lanes512.Count == 0 ? Of<Lanes512>(bfloat16)
        : mostLanes >= Lanes256.Count && channels % Lanes256.Count == 0 ? Of<Lanes256>(bfloat16)
        : mostLanes >= Lanes128.Count && channels % Lanes128.Count == 0 ? Of<Lanes128>(bfloat16)
        : Of<Lanes32>(bfloat16);

    /// <summary>Gets the lanes of this CPU's widest vectors.</summary>
    internal static int WidestLanes => Vector512.IsHardwareAccelerated ? Lanes512.Count
        : Vector256.IsHardwareAccelerated ? Lanes256.Count
        : Vector128.IsHardwareAccelerated ? Lanes128.Count
        : 1;

    /// <summary>Gets the floats of room that sums over rows take.</summary>
    /// <param name="channels">The channels of a row.</param>
    public abstract int RoomFor(int channels);

    /// <summary>Adds up values and their squares, channel by channel, after taking a number off each value.</summary>
    /// <param name="x">[rows, channels].</param>
    /// <param name="rows">The rows.</param>
    /// <param name="channels">The channels.</param>
    /// <param name="shift">[channels], near the means: so no digits are lost where a mean is much larger than a deviation.</param>
    /// <param name="sums">[2, channels]: the sums, then the sums of squares.</param>
    /// <param name="room">Room for <see cref="RoomFor"/> the channels.</param>
    public abstract void Sums(void* x, nint rows, int channels, float* shift, double* sums, float* room);

    /// <summary>Computes x · scale + offset, adds a shortcut, and makes negative values zero.</summary>
    /// <param name="x">[rows, channels].</param>
    /// <param name="shortcut">[rows, channels]; null for none.</param>
    /// <param name="rectify">Whether negative values become zero.</param>
    /// <param name="y">[rows, channels]: the result.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="channels">The channels.</param>
    /// <param name="scale">[channels].</param>
    /// <param name="offset">[channels].</param>
    public abstract void Normalize(
        void* x, void* shortcut, bool rectify, void* y, nint rows, int channels, float* scale, float* offset);

    /// <summary>
    /// Completes the gradient g of a result that was normalized, and adds up Σ g and Σ g · (x − mean), channel by channel.
    /// </summary>
    /// <param name="g">[rows, channels]: the gradient, which becomes g + g2 where y is positive, and zero elsewhere.</param>
    /// <param name="g2">[rows, channels]: what is added to it; null for nothing.</param>
    /// <param name="y">[rows, channels]: the result whose negative values became zero; null if they were not.</param>
    /// <param name="x">[rows, channels]: what was normalized.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="channels">The channels.</param>
    /// <param name="mean">[channels].</param>
    /// <param name="sums">[2, channels]: Σ g, then Σ g · (x − mean).</param>
    /// <param name="room">Room for <see cref="RoomFor"/> the channels.</param>
    public abstract void GradientSums(
        void* g, void* g2, void* y, void* x, nint rows, int channels, float* mean, double* sums, float* room);

    /// <summary>Computes the gradient of what was normalized: slope · g + lean · (x − mean) + level.</summary>
    /// <param name="g">[rows, channels]: the gradient of the result.</param>
    /// <param name="x">[rows, channels].</param>
    /// <param name="target">[rows, channels]; may be g or x.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="channels">The channels.</param>
    /// <param name="mean">[channels].</param>
    /// <param name="slope">[channels].</param>
    /// <param name="lean">[channels].</param>
    /// <param name="level">[channels].</param>
    public abstract void NormalizeGradient(
        void* g, void* x, void* target, nint rows, int channels, float* mean, float* slope, float* lean, float* level);

    /// <summary>Computes a · keep + b, and makes negative values zero.</summary>
    /// <param name="a">[images, positions, channels].</param>
    /// <param name="keep">[images]; null for ones.</param>
    /// <param name="b">[images, positions, channels]; null for nothing.</param>
    /// <param name="rectify">Whether negative values become zero.</param>
    /// <param name="y">The result; may be a.</param>
    /// <param name="images">The images.</param>
    /// <param name="valuesPerImage">Positions · channels.</param>
    public abstract void Add(void* a, float* keep, void* b, bool rectify, void* y, int images, nint valuesPerImage);

    /// <summary>Completes the gradient of a sum, and writes that of its first term.</summary>
    /// <param name="g">The gradient, which becomes g + g2 where y is positive, and zero elsewhere.</param>
    /// <param name="g2">What is added to it; null for nothing.</param>
    /// <param name="y">The result whose negative values became zero; null if they were not.</param>
    /// <param name="keep">[images]; null for ones.</param>
    /// <param name="target">g · keep; null not to write it.</param>
    /// <param name="images">The images.</param>
    /// <param name="valuesPerImage">Positions · channels.</param>
    public abstract void AddGradient(void* g, void* g2, void* y, float* keep, void* target, int images, nint valuesPerImage);

    /// <summary>Takes the largest value of each window.</summary>
    public abstract void MaxPool(void* x, void* y, int images, in PoolShape shape);

    /// <summary>Gives each gradient to the first of the largest values of its window.</summary>
    /// <param name="g">[images, result height, result width, channels].</param>
    /// <param name="x">What was pooled.</param>
    /// <param name="y">The result.</param>
    /// <param name="target">The gradient of x.</param>
    /// <param name="images">The images.</param>
    /// <param name="shape">The sizes.</param>
    /// <param name="sums">Room for the floats of one image of x.</param>
    public abstract void MaxPoolGradient(void* g, void* x, void* y, void* target, int images, in PoolShape shape, float* sums);

    /// <summary>Takes the mean of each window; at the last odd row or column, of what is left.</summary>
    public abstract void AveragePool(void* x, void* y, int images, in PoolShape shape);

    /// <summary>Spreads each gradient evenly over its window; windows do not overlap.</summary>
    public abstract void AveragePoolGradient(void* g, void* target, int images, in PoolShape shape);

    /// <summary>Takes the means over all positions.</summary>
    /// <param name="x">[images, positions, channels].</param>
    /// <param name="y">[images, channels].</param>
    /// <param name="images">The images.</param>
    /// <param name="positions">The positions of an image.</param>
    /// <param name="channels">The channels.</param>
    public abstract void Mean(void* x, float* y, int images, int positions, int channels);

    /// <summary>Spreads each gradient evenly over all positions.</summary>
    public abstract void MeanGradient(float* g, void* target, int images, int positions, int channels);

    /// <summary>Multiplies each channel of each image by a number of its own.</summary>
    /// <param name="x">[images, positions, channels].</param>
    /// <param name="gate">[images, channels].</param>
    /// <param name="y">The result.</param>
    /// <param name="images">The images.</param>
    /// <param name="positions">The positions of an image.</param>
    /// <param name="channels">The channels.</param>
    public abstract void Gate(void* x, float* gate, void* y, int images, int positions, int channels);

    /// <summary>Computes the gradients of <see cref="Gate"/>.</summary>
    /// <param name="g">The gradient of the result.</param>
    /// <param name="x">[images, positions, channels].</param>
    /// <param name="gate">[images, channels].</param>
    /// <param name="target">The gradient of x; may be g.</param>
    /// <param name="gateTarget">The gradient of the gate.</param>
    /// <param name="images">The images.</param>
    /// <param name="positions">The positions of an image.</param>
    /// <param name="channels">The channels.</param>
    public abstract void GateGradient(
        void* g, void* x, float* gate, void* target, float* gateTarget, int images, int positions, int channels);

    /// <summary>Copies floats, rounded.</summary>
    public abstract void Round(float* source, void* target, nint count);

    /// <summary>Writes the sum of some tensors, in their order, or adds it to what is there.</summary>
    /// <param name="parts">The tensors.</param>
    /// <param name="partCount">Their number.</param>
    /// <param name="start">The first value to add up.</param>
    /// <param name="end">The value after the last one.</param>
    /// <param name="target">The floats to write.</param>
    /// <param name="accumulates">Whether they are added to.</param>
    public abstract void AddUp(void** parts, int partCount, nint start, nint end, float* target, bool accumulates);

    private static ActivationKernels Of<TLanes>(bool bfloat16)
        where TLanes : struct, ILanes<TLanes> => bfloat16
            ? ActivationKernels<BFloat16Element, TLanes>.Instance
            : ActivationKernels<SingleElement, TLanes>.Instance;
}
