using System.Runtime.InteropServices;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Interop;

namespace Microsoft.ML.ResNet.Images;

/// <summary>
/// From a decoded image to the planar bytes that a network's graph reads, to the bit what <see cref="PixelChain"/> makes of it, but
/// without a pipeline around it: <see cref="MLImage"/>'s own methods, which ML.NET's stages call.
/// </summary>
/// <param name="preprocessing">The size of the images, and how many channels they have: 3, or 1 for grey.</param>
internal sealed class PlanarPixels(ImagePreprocessing preprocessing)
{
    private const int BytesPerPixel = 4;

    private readonly int _height = preprocessing.ResizeTo.Height;
    private readonly int _width = preprocessing.ResizeTo.Width;

    /// <summary>Gets the number of bytes of an image.</summary>
    public int Size => preprocessing.Input.Channels * _height * _width;

    /// <summary>Resizes an image, unless it has the size already, and writes its pixels.</summary>
    /// <param name="image">The image; it stays the caller's.</param>
    /// <param name="planar">As many bytes as <see cref="Size"/> says.</param>
    public void Read(MLImage image, Span<byte> planar)
    {
        if (image.Height == _height && image.Width == _width)
        {
            ReadResized(image, planar);
            return;
        }

        using var resized = MLNetInternals.Resize(image, _width, _height);
        ReadResized(resized, planar);
    }

    private void ReadResized(MLImage image, Span<byte> planar)
    {
        if (preprocessing.Input.Channels == 1)
        {
            using var grey = MLNetInternals.Grayscale(image);
            ReadChannel(grey, RedOf(grey), planar);
            return;
        }

        var (red, pixels) = (RedOf(image), _height * _width);
        ReadChannel(image, red, planar[..pixels]);
        ReadChannel(image, channel: 1, planar.Slice(pixels, pixels));
        ReadChannel(image, 2 - red, planar[(2 * pixels)..]);
    }

    private static int RedOf(MLImage image) => image.PixelFormat == MLPixelFormat.Rgba32 ? 0 : 2;

    private static void ReadChannel(MLImage image, int channel, Span<byte> values)
    {
        var pixels = MemoryMarshal.Cast<byte, uint>(image.Pixels);
        var shift = 8 * (BitConverter.IsLittleEndian ? channel : BytesPerPixel - 1 - channel);
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = (byte)(pixels[i] >> shift);
        }
    }
}
