using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Images;

namespace Microsoft.ML.ResNet;

/// <summary>
/// Reads image files that may be anything: the pixels are those of ML.NET's LoadImages, to the bit, but no file ends the process or takes
/// all of its memory.
/// </summary>
/// <remarks>
/// <see cref="MLImage.CreateFromFile"/>, <see cref="MLImage.CreateFromStream"/> and the LoadImages stage of a saved model decode whatever
/// the header asks for, take files that are cut short, wait for pipes, and let some damaged files end the process. Where files come from
/// others, read them here, and score the image: a column of images needs no LoadImages.
/// </remarks>
public static class ResNetImage
{
    /// <summary>Reads an image from a file.</summary>
    /// <param name="path">A JPEG, PNG, WebP, GIF or BMP file; of an animation the first image.</param>
    /// <param name="maxPixels">
    /// The most pixels, 1 to 536,870,911. The default is <see langword="null"/>: 178,956,970, or a 32nd of the bytes of memory that the
    /// process may take, whichever is less.
    /// </param>
    /// <param name="applyExifOrientation">
    /// Whether a photograph is turned as its EXIF orientation says. The default is <see langword="false"/>, as in ML.NET: score as the
    /// network was trained (<c>ResNetTrainer.Options.ApplyExifOrientation</c>).
    /// </param>
    /// <returns>The image, to be disposed of. Its tag is the path.</returns>
    /// <exception cref="ArgumentException">The path is empty, or the bound out of its range.</exception>
    /// <exception cref="InvalidDataException">The file is no image, is damaged, ends too early or has too many pixels; the message names
    /// it.</exception>
    /// <exception cref="IOException">The file cannot be read, or is a pipe or a device.</exception>
    public static MLImage Load(string path, long? maxPixels = null, bool applyExifOrientation = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ImageDecoder.CheckMaxPixels(maxPixels, nameof(maxPixels));
        return new ImageDecoder(maxPixels, applyExifOrientation).Load(path);
    }

    /// <summary>Reads an image from the content of a file.</summary>
    /// <param name="content">A JPEG, PNG, WebP, GIF or BMP file; of an animation the first image.</param>
    /// <param name="maxPixels"><inheritdoc cref="Load" path="/param[@name='maxPixels']"/></param>
    /// <param name="applyExifOrientation"><inheritdoc cref="Load" path="/param[@name='applyExifOrientation']"/></param>
    /// <returns>The image, to be disposed of.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The bound is out of its range.</exception>
    /// <exception cref="InvalidDataException">The content is no image, is damaged, ends too early or has too many pixels.</exception>
    public static MLImage Decode(ReadOnlySpan<byte> content, long? maxPixels = null, bool applyExifOrientation = false)
    {
        ImageDecoder.CheckMaxPixels(maxPixels, nameof(maxPixels));
        return new ImageDecoder(maxPixels, applyExifOrientation).Decode(content);
    }
}
