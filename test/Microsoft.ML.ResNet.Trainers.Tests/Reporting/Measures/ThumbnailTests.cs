using Microsoft.ML.Data;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Trainers.Reporting.Measures;
using SkiaSharp;

namespace Microsoft.ML.ResNet.Trainers.Tests.Reporting.Measures;

public sealed class ThumbnailTests
{
    [Fact]
    public void A_small_image_is_copied_pixel_by_pixel()
    {
        var rgb = Pictures.Draw(label: 2, height: 5, width: 7, channels: 3, new Random(1));
        using var image = Pictures.ToImage(rgb, 5, 7);

        var thumbnail = Thumbnail.Of(image, size: 64);

        Assert.Equal(("image/png", 7, 5), (thumbnail.MediaType, thumbnail.Width, thumbnail.Height));
        Assert.Equal(rgb, Decode(thumbnail));
    }

    [Fact]
    public void Either_order_of_bytes_gives_the_same_colours()
    {
        using var bgra = MLImage.CreateFromPixels(1, 1, MLPixelFormat.Bgra32, [30, 20, 10, 255]);
        using var rgba = MLImage.CreateFromPixels(1, 1, MLPixelFormat.Rgba32, [10, 20, 30, 255]);

        Assert.Equal([10, 20, 30], Decode(Thumbnail.Of(bgra, 16)));
        Assert.Equal([10, 20, 30], Decode(Thumbnail.Of(rgba, 16)));
    }

    [Theory]
    [InlineData(300, 200, 128, 128, 85, "image/jpeg")]
    [InlineData(200, 300, 32, 21, 32, "image/png")]
    [InlineData(1, 3000, 16, 1, 16, "image/png")]
    public void A_large_image_is_reduced_in_proportion(
        int width, int height, int size, int expectedWidth, int expectedHeight, string mediaType)
    {
        using var image = MLImage.CreateFromPixels(width, height, MLPixelFormat.Bgra32, new byte[4 * width * height]);

        var thumbnail = Thumbnail.Of(image, size);

        Assert.Equal((expectedWidth, expectedHeight, mediaType), (thumbnail.Width, thumbnail.Height, thumbnail.MediaType));
        using var decoded = SKBitmap.Decode(thumbnail.Bytes);
        Assert.Equal((expectedWidth, expectedHeight), (decoded.Width, decoded.Height));
    }

    [Fact]
    public void A_planar_vector_is_drawn()
    {
        byte[] planar = [10, 20, 30, 40, 50, 60];       // two pixels: red plane, green plane, blue plane

        Assert.Equal([10, 30, 50, 20, 40, 60], Decode(Thumbnail.OfPlanar<byte>(planar, new ImageShape(3, 1, 2), 16)));
    }

    [Fact]
    public void Floats_of_any_range_are_stretched_to_that_of_pixels()
    {
        Assert.Equal([0, 0, 0, 51, 51, 51, 255, 255, 255], Decode(Thumbnail.OfPlanar<float>([-1, -0.6f, 1], new ImageShape(1, 1, 3), 16)));
        Assert.Equal([0, 0, 0], Decode(Thumbnail.OfPlanar<float>([7], new ImageShape(1, 1, 1), 16)));
    }

    [Fact]
    public void Of_other_numbers_of_channels_the_first_is_drawn_in_grey() =>
        Assert.Equal([9, 9, 9], Decode(Thumbnail.OfPlanar<byte>([9, 100], new ImageShape(2, 1, 1), 16)));

    [Fact]
    public void A_picture_can_be_drawn_on_again()
    {
        var rgb = Pictures.Draw(label: 2, height: 5, width: 7, channels: 3, new Random(1));
        using var image = Pictures.ToImage(rgb, 5, 7);
        var thumbnail = Thumbnail.Of(image, size: 64);

        using var decoded = thumbnail.ToImage();

        Assert.Equal(thumbnail.Bytes, Thumbnail.Of(decoded, size: 64).Bytes);
    }

    private static byte[] Decode(Thumbnail thumbnail)
    {
        using var bitmap = SKBitmap.Decode(thumbnail.Bytes);
        return [.. bitmap.Pixels.SelectMany(pixel => (byte[])[pixel.Red, pixel.Green, pixel.Blue])];
    }
}
