using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>Room for one batch, filled by the loader and read by the training step, again and again.</summary>
internal sealed class Batch : IDisposable
{
    private readonly Tensor _images; // [capacity, height, width, channels]
    private readonly Tensor _labels;
    private readonly Tensor _weights;

    public Batch(int capacity, ImageShape shape)
    {
        _images = empty([capacity, shape.Height, shape.Width, shape.Channels], ScalarType.Float32);
        _labels = empty([capacity], ScalarType.Int64);
        _weights = empty([capacity], ScalarType.Float32);
    }

    /// <summary>Gets or sets the number of images in the batch.</summary>
    public int Count { get; set; }

    /// <summary>Gets the normalized images, [count, channels, height, width], channels-last; a view that the current scope frees.</summary>
    public Tensor Images => _images.narrow(0, 0, Count).permute(0, 3, 1, 2);

    /// <summary>Gets the classes, [count]; a view that the current scope frees.</summary>
    public Tensor Labels => _labels.narrow(0, 0, Count);

    /// <summary>Gets the weights in the loss, [count]; a view that the current scope frees.</summary>
    public Tensor Weights => _weights.narrow(0, 0, Count);

    public Span<float> ImageValues => MemoryMarshal.Cast<byte, float>(_images.bytes);

    public Span<long> LabelValues => MemoryMarshal.Cast<byte, long>(_labels.bytes);

    public Span<float> WeightValues => MemoryMarshal.Cast<byte, float>(_weights.bytes);

    public void Dispose()
    {
        _images.Dispose();
        _labels.Dispose();
        _weights.Dispose();
    }
}
