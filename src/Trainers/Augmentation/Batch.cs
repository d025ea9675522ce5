using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Trainers.Devices;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Augmentation;

/// <summary>The tensors of one batch: filled by the loader, read by the training step, and then used again for another batch.</summary>
/// <remarks>They are filled in the CPU's memory; on another device, the step reads copies of them.</remarks>
internal sealed class Batch : IDisposable
{
    private readonly Tensor _images; // of the largest shape, flat
    private readonly Tensor _labels;
    private readonly Tensor _weights;
    private readonly (Tensor Images, Tensor Labels, Tensor Weights) _read; // the same, or their copies on the device

    /// <param name="capacity">The most images.</param>
    /// <param name="imageSize">The most values of an image.</param>
    /// <param name="tensors">Makes tensors on the device that reads them; null for the CPU.</param>
    public Batch(int capacity, int imageSize, TensorFactory? tensors = null)
    {
        Tensors = tensors ?? TensorFactory.OnCpu;
        _images = Tensors.Staging([(long)capacity * imageSize], ScalarType.Float32);
        _labels = Tensors.Staging([capacity], ScalarType.Int64);
        _weights = Tensors.Staging([capacity], ScalarType.Float32);
        _read = Tensors.IsOnCpu
            ? (_images, _labels, _weights)
            : (Tensors.Empty(_images.shape, ScalarType.Float32),
                Tensors.Empty(_labels.shape, ScalarType.Int64),
                Tensors.Empty(_weights.shape, ScalarType.Float32));
    }

    /// <summary>Gets what makes tensors on the device that reads the batch.</summary>
    public TensorFactory Tensors { get; }

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
    public Tensor Images => _read.Images
        .narrow(0, 0, (long)Count * Shape.Size)
        .view(Count, Shape.Height, Shape.Width, Shape.Channels)
        .permute(0, 3, 1, 2);

    /// <summary>Gets the classes, [count]; a view that the current scope frees.</summary>
    public Tensor Labels => _read.Labels.narrow(0, 0, Count);

    /// <summary>Gets the weights in the loss, [count]; a view that the current scope frees.</summary>
    public Tensor Weights => _read.Weights.narrow(0, 0, Count);

    /// <summary>Gets the values of the images, channels last, one after another.</summary>
    public Span<float> ImageValues => MemoryMarshal.Cast<byte, float>(_images.bytes)[..(Count * Shape.Size)];

    public Span<long> LabelValues => MemoryMarshal.Cast<byte, long>(_labels.bytes);

    public Span<float> WeightValues => MemoryMarshal.Cast<byte, float>(_weights.bytes);

    /// <summary>Makes the batch ready to be filled.</summary>
    public void Reset(int index, int count, ImageShape shape) => (Index, Count, Shape, OwnShare) = (index, count, shape, 1);

    /// <summary>Copies what was filled in to the device, and waits for it. On the CPU there is nothing to copy.</summary>
    public void CopyToDevice()
    {
        if (Tensors.IsOnCpu)
        {
            return;
        }

        Copy(_images, _read.Images, (long)Count * Shape.Size);
        Copy(_labels, _read.Labels, Count);
        Copy(_weights, _read.Weights, Count);
    }

    public void Dispose()
    {
        foreach (var tensor in (Tensor[])[_images, _labels, _weights])
        {
            tensor.Dispose();
        }

        if (!Tensors.IsOnCpu)
        {
            foreach (var tensor in (Tensor[])[_read.Images, _read.Labels, _read.Weights])
            {
                tensor.Dispose();
            }
        }
    }

    private static void Copy(Tensor source, Tensor target, long count)
    {
        using var from = source.narrow(0, 0, count);
        using var to = target.narrow(0, 0, count);
        to.copy_(from);
    }
}
