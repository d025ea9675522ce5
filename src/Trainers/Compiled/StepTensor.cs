using Microsoft.ML.ResNet.Trainers.Devices;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Compiled;

/// <summary>
/// A tensor of a step, by its handle: a worker's own, used again at every step, or one that Torch made for the result of a convolution.
/// </summary>
/// <param name="Handle">The handle of the tensor; 0 for none.</param>
/// <param name="Own">The worker's buffer; null where Torch made it.</param>
internal readonly unsafe record struct StepTensor(nint Handle, StepBuffer? Own)
{
    /// <summary>Gets whether there is one.</summary>
    public bool Exists => Handle != 0;

    /// <summary>Gets where its values begin.</summary>
    public void* Data => Own is null ? TorchScript.Data(Handle) : Own.Data;
}

/// <summary>Memory for one value per image of a worker's slice, as a tensor.</summary>
internal sealed unsafe class StepBuffer : IDisposable
{
    private readonly long[] _shape;
    private readonly Tensor _storage;
    private readonly Dictionary<int, Tensor> _views = []; // by the number of images

    /// <param name="shape">The shape of an image's value.</param>
    /// <param name="type">The type of its numbers.</param>
    /// <param name="capacity">The most images.</param>
    /// <param name="isBrief">Whether what is in it is freed soon.</param>
    public StepBuffer(ImageShape shape, ScalarType type, int capacity, bool isBrief)
    {
        (Shape, Type, IsBrief) = (shape, type, isBrief);
        _shape = [capacity, shape.Height, shape.Width, shape.Channels];
        _storage = TensorFactory.OnCpu.Zeros(_shape, type).DetachFromDisposeScope();
        fixed (byte* data = _storage.bytes)
        {
            Data = data; // of native memory, which does not move
        }
    }

    /// <summary>Gets the shape of an image's value.</summary>
    public ImageShape Shape { get; }

    /// <summary>Gets the type of its numbers.</summary>
    public ScalarType Type { get; }

    /// <summary>Gets whether what is in it is freed soon.</summary>
    public bool IsBrief { get; }

    /// <summary>Gets where the values begin.</summary>
    public void* Data { get; }

    /// <summary>Gets a tensor of the first images: channels-last, or [images, channels] where an image is one position.</summary>
    public StepTensor Of(int images)
    {
        if (!_views.TryGetValue(images, out var view))
        {
            using var scope = NewDisposeScope();
            _views[images] = view = _storage.narrow(0, 0, images).permute(0, 3, 1, 2).DetachFromDisposeScope();
        }

        return new StepTensor(view.Handle, this);
    }

    public void Dispose()
    {
        foreach (var view in _views.Values)
        {
            view.Dispose();
        }

        _storage.Dispose();
    }
}
