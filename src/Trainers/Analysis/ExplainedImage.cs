using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Analysis;

/// <summary>A copy of an image, and the part of it that the network saw.</summary>
internal sealed class ExplainedImage
{
    private readonly byte[] _pixels;
    private readonly int _width;
    private readonly int _height;
    private readonly MLPixelFormat _format;
    private readonly CropWindow _seen;

    public ExplainedImage(MLImage image, ImagePreprocessing preprocessing)
    {
        (_pixels, _width, _height, _format) = (image.Pixels.ToArray(), image.Width, image.Height, image.PixelFormat);

        // ResizeImages (IsoCrop) makes the image just cover its target, and removes both the overlap and, in the graph, the border around
        // the centre.
        var scale = Math.Max((double)preprocessing.ResizeTo.Width / _width, (double)preprocessing.ResizeTo.Height / _height)
            / preprocessing.Supersampling;
        var (width, height) = (preprocessing.Input.Width / scale, preprocessing.Input.Height / scale);
        _seen = new CropWindow((_width - width) / 2, (_height - height) / 2, width, height);
    }

    /// <summary>Makes a second copy, for ML.NET, which disposes of images that it has read.</summary>
    public MLImage ToImage() => MLImage.CreateFromPixels(_width, _height, _format, _pixels);

    /// <summary>Draws a heat map over what the network saw. The hotter a place, the less of the image's own colour is left there.</summary>
    /// <param name="map">Heat from 0 to 1, row by row.</param>
    /// <param name="mapHeight">The number of rows.</param>
    /// <param name="mapWidth">The number of columns.</param>
    /// <param name="opacity">How much the greatest heat hides, from 0 to 1; no heat hides nothing.</param>
    public MLImage Overlay(ReadOnlySpan<float> map, int mapHeight, int mapWidth, double opacity)
    {
        var (left, top) = ((int)Math.Round(_seen.Left), (int)Math.Round(_seen.Top));
        var width = Math.Max(1, (int)Math.Round(_seen.Left + _seen.Width) - left);
        var height = Math.Max(1, (int)Math.Round(_seen.Top + _seen.Height) - top);
        var heats = new float[height * width];
        Resampler.Resize(new SourcePixels<float>(map, mapHeight, mapWidth, 1, [0]), heats, height, width);

        var pixels = (byte[])_pixels.Clone();
        var (red, blue) = _format == MLPixelFormat.Bgra32 ? (2, 0) : (0, 2);
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                var heat = heats[y * width + x];
                var (r, g, b) = HeatColors.At(heat);
                var pixel = pixels.AsSpan(4 * ((top + y) * _width + left + x), 4);
                var share = opacity * heat;
                var gray = 0.299 * pixel[red] + 0.587 * pixel[1] + 0.114 * pixel[blue]; // Rec. 601
                Blend(ref pixel[red], gray, r, share);
                Blend(ref pixel[1], gray, g, share);
                Blend(ref pixel[blue], gray, b, share);
            }
        }

        return MLImage.CreateFromPixels(_width, _height, _format, pixels);
    }

    private static void Blend(ref byte under, double gray, double over, double share) =>
        under = (byte)Math.Round(double.Lerp(double.Lerp(under, gray, share), over, share));
}
