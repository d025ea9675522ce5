using Microsoft.ML.Data;
using Microsoft.ML.OnnxRuntime;

namespace Microsoft.ML.ResNet.Images;

/// <summary>The pixels of several images, in one piece of memory that ONNX Runtime reads where it is.</summary>
/// <param name="preprocessing">The size of the images.</param>
/// <param name="capacity">The largest number of images.</param>
internal sealed class PixelBatch<T>(ImagePreprocessing preprocessing, int capacity)
    where T : unmanaged
{
    // Beyond so many pixels larger batches gain nothing, and cost memory: 8 images of 224×224.
    private const int EnoughPixels = 8 * 224 * 224;
    private const int LargestCapacity = 128;

    private readonly int _imageSize = preprocessing.Input.Channels * preprocessing.ResizeTo.Height * preprocessing.ResizeTo.Width;
    private readonly T[] _values =
        new T[capacity * preprocessing.Input.Channels * preprocessing.ResizeTo.Height * preprocessing.ResizeTo.Width];

    public PixelBatch(ImagePreprocessing preprocessing) : this(preprocessing, CapacityFor(preprocessing))
    {
    }

    public int Capacity => capacity;

    public int Count { get; private set; }

    public void Clear() => Count = 0;

    public void Add(in VBuffer<T> image)
    {
        image.CopyTo(_values, Count * _imageSize);
        Count++;
    }

    /// <summary>Gets the images as a tensor [count, channels, height, width], which reads this memory.</summary>
    public OrtValue ToTensor()
    {
        var (height, width) = preprocessing.ResizeTo;
        return OrtValue.CreateTensorValueFromMemory(
            OrtMemoryInfo.DefaultInstance,
            _values.AsMemory(0, Count * _imageSize),
            [Count, preprocessing.Input.Channels, height, width]);
    }

    private static int CapacityFor(ImagePreprocessing preprocessing) =>
        Math.Clamp(EnoughPixels / (preprocessing.Input.Height * preprocessing.Input.Width), 1, LargestCapacity);
}
