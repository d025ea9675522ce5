using System.Numerics;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Augmentation;

/// <summary>Of an image that is kept whole, the part that is scored: its middle, without the border that scoring cuts off.</summary>
/// <param name="preprocessing">How images are scored.</param>
internal sealed class CenterCrop(ImagePreprocessing preprocessing) : IAugmentation
{
    private readonly CropResizer _resizer = new(preprocessing.Input, flip: false);

    public void Apply<T>(in StoredImage<T> image, Span<float> output, Random random)
        where T : unmanaged, INumberBase<T>
    {
        // Images are resized to just cover the input and its border.
        var (input, border) = (preprocessing.Input, 2.0 * preprocessing.CropBorder);
        var scale = Math.Max((input.Height + border) / image.Height, (input.Width + border) / image.Width);
        var (height, width) = (input.Height / scale, input.Width / scale);
        var window = new CropWindow((image.Width - width) / 2, (image.Height - height) / 2, width, height);
        _resizer.Apply(in image, window, output, random);
    }
}
