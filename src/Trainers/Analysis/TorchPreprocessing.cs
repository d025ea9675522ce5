using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.ResNet.Trainers.Analysis;

/// <summary>
/// What the ONNX graph does to pixels before the network reads them, in Torch and in the same order: what is analyzed is what is scored.
/// </summary>
internal sealed class TorchPreprocessing : IDisposable
{
    private readonly ImageShape _input;
    private readonly int _supersampling;
    private readonly Tensor _mean;      // [1, channels, 1, 1], or [1, channels, height, width]
    private readonly Tensor _deviation; // [1, channels, 1, 1]

    /// <param name="preprocessing">The model's.</param>
    public TorchPreprocessing(ImagePreprocessing preprocessing)
    {
        _input = preprocessing.Input;
        _supersampling = preprocessing.Supersampling;
        _mean = preprocessing.HasMeanImage ? tensor([.. preprocessing.Mean], [1, _input.Channels, _input.Height, _input.Width]) : tensor([.. preprocessing.Mean], [1, _input.Channels, 1, 1]);
        _deviation = tensor([.. preprocessing.StandardDeviation], [1, _input.Channels, 1, 1]);
    }

    /// <summary>Turns pixels into the network's input: all of the steps below.</summary>
    /// <param name="pixels">[batch, channels, height, width], as <see cref="PixelBatches"/> reads them.</param>
    public Tensor Apply(Tensor pixels) => Normalize(Center(Average(pixels)));

    /// <summary>Averages the squares of pixels that stand for one.</summary>
    public Tensor Average(Tensor pixels)
    {
        var values = pixels.to(ScalarType.Float32);
        return _supersampling == 1 ? values : F.avg_pool2d(values, [_supersampling, _supersampling], [_supersampling, _supersampling]);
    }

    /// <summary>Cuts out what the network reads: the middle.</summary>
    public Tensor Center(Tensor images) => Crop(images, (images.shape[2] - _input.Height) / 2, (images.shape[3] - _input.Width) / 2);

    /// <summary>Cuts out an image of the network's size.</summary>
    public Tensor Crop(Tensor images, long top, long left) => images.narrow(2, top, _input.Height).narrow(3, left, _input.Width);

    /// <summary>Subtracts the mean and divides by the deviation. A mean image is resized to images of another size.</summary>
    /// <returns>The same shape, channels-last.</returns>
    public Tensor Normalize(Tensor images)
    {
        long[] size = [images.shape[2], images.shape[3]];
        var resized = _mean.shape[2] > 1 && !size.AsSpan().SequenceEqual(_mean.shape.AsSpan(2));
        var mean = resized ? F.interpolate(_mean, size, mode: InterpolationMode.Bilinear, align_corners: false) : _mean;
        return images.sub(mean).div(_deviation).permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);
    }

    public void Dispose()
    {
        _mean.Dispose();
        _deviation.Dispose();
    }
}
