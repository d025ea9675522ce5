using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Augmentation;

/// <summary>The tensors of one batch: filled by the loader, read by the training step, and then used again for another batch.</summary>
internal sealed class Batch : IDisposable
{
    private readonly Tensor _images; // of the largest shape, flat
    private readonly Tensor _labels;
    private readonly Tensor _weights;

    /// <param name="capacity">The most images.</param>
    /// <param name="imageSize">The most values of an image.</param>
    public Batch(int capacity, int imageSize)
    {
        _images = empty([(long)capacity * imageSize], ScalarType.Float32);
        _labels = empty([capacity], ScalarType.Int64);
        _weights = empty([capacity], ScalarType.Float32);
    }

    /// <summary>Gets the batch's place in its epoch, counted from 0.</summary>
    public int Index { get; private set; }

    /// <summary>Gets the number of images in the batch.</summary>
    public int Count { get; private set; }

    /// <summary>Gets the shape of its images.</summary>
    public ImageShape Shape { get; private set; }

    /// <summary>
    /// Gets or sets the share of each image that is its own. The rest comes from the image before it; for the first image, from the last.
    /// It is 1 where images are not mixed.
    /// </summary>
    public float OwnShare { get; set; }

    /// <summary>Gets the normalized images, [count, channels, height, width], channels-last; a view that the current scope frees.</summary>
    public Tensor Images => _images
        .narrow(0, 0, (long)Count * Shape.Size)
        .view(Count, Shape.Height, Shape.Width, Shape.Channels)
        .permute(0, 3, 1, 2);

    /// <summary>Gets the classes, [count]; a view that the current scope frees.</summary>
    public Tensor Labels => _labels.narrow(0, 0, Count);

    /// <summary>Gets the weights in the loss, [count]; a view that the current scope frees.</summary>
    public Tensor Weights => _weights.narrow(0, 0, Count);

    /// <summary>Gets the values of the images, channels last, one after another.</summary>
    public Span<float> ImageValues => MemoryMarshal.Cast<byte, float>(_images.bytes)[..(Count * Shape.Size)];

    public Span<long> LabelValues => MemoryMarshal.Cast<byte, long>(_labels.bytes);

    public Span<float> WeightValues => MemoryMarshal.Cast<byte, float>(_weights.bytes);

    /// <summary>Makes the batch ready to be filled.</summary>
    public void Reset(int index, int count, ImageShape shape) => (Index, Count, Shape, OwnShare) = (index, count, shape, 1);

    public void Dispose()
    {
        _images.Dispose();
        _labels.Dispose();
        _weights.Dispose();
    }
}
