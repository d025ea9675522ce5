using System.Runtime.InteropServices;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Trainers.Data;
using Microsoft.ML.ResNet.Trainers.Devices;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Analysis;

/// <summary>A batch of images of one size, resized to each of several scales; the images themselves are not kept.</summary>
internal sealed class ScaledImages : IDisposable
{
    // A banner's longer side would need memory without bound.
    private const int MostExtremeProportion = 4;

    private const int ColorChannels = 3;

    private readonly CropWindow _window;
    private readonly int _channels;
    private readonly int _capacity;
    private readonly Tensor[] _scales; // [capacity, height, width, colours]

    /// <param name="window">The part of each image that is wanted: the same for all of the batch.</param>
    /// <param name="sizes">The sizes to resize it to.</param>
    /// <param name="channels">The channels that the network reads: 1 or 3.</param>
    public ScaledImages(CropWindow window, (int Height, int Width)[] sizes, int channels)
    {
        var (height, width) = sizes.MaxBy(size => (long)size.Height * size.Width);
        _window = window;
        _channels = channels;
        _capacity = PixelBatches.SizeFor(height, width);
        _scales =
        [
            .. sizes.Select(size =>
                TensorFactory.OnCpu.Empty([_capacity, size.Height, size.Width, ColorChannels], ScalarType.Float32)),
        ];
    }

    /// <summary>Gets the number of images.</summary>
    public int Count { get; private set; }

    /// <summary>
    /// Gets the part of an image that is resized: all of it, or its middle where it is more than four times as long as wide.
    /// </summary>
    public static CropWindow WindowOf(MLImage image)
    {
        var height = Math.Min(image.Height, MostExtremeProportion * image.Width);
        var width = Math.Min(image.Width, MostExtremeProportion * image.Height);
        return new CropWindow((image.Width - width) / 2.0, (image.Height - height) / 2.0, width, height);
    }

    /// <summary>Tells whether an image can be added.</summary>
    public bool HasRoomFor(CropWindow window) => Count < _capacity && window == _window;

    /// <summary>Adds an image, whose pixels are read at once.</summary>
    public void Add(MLImage image)
    {
        foreach (var scale in _scales)
        {
            var (height, width) = ((int)scale.shape[1], (int)scale.shape[2]);
            var size = height * width * ColorChannels;
            var target = MemoryMarshal.Cast<byte, float>(scale.bytes).Slice(Count * size, size);
            var source = new SourcePixels<byte>(image.Pixels, image.Height, image.Width, 4, image.Rgb());
            Resampler.Resize(source, _window, target, height, width);
        }

        Count++;
    }

    /// <summary>Gets the normalized images at each scale.</summary>
    public IEnumerable<Tensor> Scales(TorchPreprocessing preprocessing) => _scales.Select(scale =>
    {
        var images = scale.narrow(0, 0, Count).permute(0, 3, 1, 2);
        return preprocessing.Normalize(
            _channels == 1
                ? images.mul(TensorFactory.OnCpu.Of(ImageColors.GrayWeights, 1, ColorChannels, 1, 1)).sum([1], keepdim: true)
                : images);
    });

    public void Dispose()
    {
        foreach (var scale in _scales)
        {
            scale.Dispose();
        }
    }
}
