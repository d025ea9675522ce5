using System.Diagnostics;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.TestSupport;
using SkiaSharp;

namespace Microsoft.ML.ResNet.Tests.Images;

public sealed class ImageDecoderTests
{
    public static TheoryData<string, byte[]> Files => new()
    {
        { "jpeg", Encode(SKEncodedImageFormat.Jpeg) },
        { "gray jpeg", Encode(SKEncodedImageFormat.Jpeg, SKColorType.Gray8) },
        { "cmyk jpeg", ImageFiles.CmykJpeg },
        { "jpeg on its side", ImageFiles.WithOrientation(Encode(SKEncodedImageFormat.Jpeg), 6) },
        { "png", Encode(SKEncodedImageFormat.Png) },
        { "png of 1 bit", ImageFiles.Png(9, 5, 1, 0) },
        { "gray png", ImageFiles.Png(9, 5, 8, 0) },
        { "gray png of 16 bits", ImageFiles.Png(9, 5, 16, 0) },
        { "colour png of 16 bits", ImageFiles.Png(9, 5, 16, 2) },
        { "palette png with alpha", ImageFiles.Png(9, 5, 4, 3) },
        { "gray png with alpha", ImageFiles.Png(9, 5, 8, 4) },
        { "png with alpha", ImageFiles.Png(9, 5, 8, 6) },
        { "png of 16 bits with alpha", ImageFiles.Png(9, 5, 16, 6) },
        { "webp", Encode(SKEncodedImageFormat.Webp) },
        { "gif", ImageFiles.Gif },
        { "animated gif", ImageFiles.AnimatedGif },
        { "bmp", ImageFiles.Bmp },
    };

    [Theory]
    [MemberData(nameof(Files))]
    public void ThePixelsAreThoseOfMLNet(string format, byte[] file)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["image"], file);
        using var stream = new MemoryStream(file);
        using var expected = MLImage.CreateFromStream(stream);

        using var loaded = ResNetImage.Load(folder["image"]);
        using var decoded = ResNetImage.Decode(file);

        Assert.Equal(folder["image"], loaded.Tag);
        Assert.All([loaded, decoded], image =>
        {
            Assert.True((expected.Width, expected.Height, expected.PixelFormat) == (image.Width, image.Height, image.PixelFormat), format);
            Assert.True(expected.Pixels.SequenceEqual(image.Pixels), format);
        });
    }

    // MLImage.CreateFromStream ends the process: OverflowException in SKManagedStream, out of native code.
    [Fact]
    public void ABmpThatEndsMLNetsProcessIsRefused()
    {
        Assert.Equal((58, 0xA8), (ImageFiles.FatalBmp.Length, ImageFiles.FatalBmp[13]));

        Assert.Throws<InvalidDataException>(() => ResNetImage.Decode(ImageFiles.FatalBmp));
    }

    public static TheoryData<string, byte[]> HugeFiles => new()
    {
        { "47,003 × 40,232", ImageFiles.HugeGif },
        { "30,000 × 30,000", ImageFiles.HugePng(30_000, 30_000) },
        { "2,147,483,647 × 2,147,483,647", ImageFiles.HugePng(int.MaxValue, int.MaxValue) },
        { "20,000 × 20,000", WithSize(Encode(SKEncodedImageFormat.Jpeg), 20_000) },
    };

    [Theory]
    [MemberData(nameof(HugeFiles))]
    public void AHeaderThatClaimsTooManyPixelsIsAllThatIsRead(string size, byte[] file)
    {
        var memory = Process.GetCurrentProcess().PeakWorkingSet64;

        var message = Assert.Throws<InvalidDataException>(() => ResNetImage.Decode(file)).Message;

        // some decoders refuse by themselves
        Assert.True(message.Contains($"it has {size} pixels, and ", StringComparison.Ordinal) || size[0] == '2', message);
        Assert.InRange(Process.GetCurrentProcess().PeakWorkingSet64 - memory, 0, 200L << 20);
    }

    [Fact]
    public void TheBoundIsOnAllPixels()
    {
        using var image = ResNetImage.Decode(ImageFiles.Png(9, 5, 8, 2), maxPixels: 45);

        Assert.Contains(
            "9 × 5 pixels, and 44 in all",
            Assert.Throws<InvalidDataException>(() => ResNetImage.Decode(ImageFiles.Png(9, 5, 8, 2), maxPixels: 44)).Message);
        Assert.InRange(ImageDecoder.DefaultMaxPixels, 1, 178_956_970);
        Assert.InRange(ImageDecoder.DefaultMaxPixels, 1, Math.Max(1, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 32));
        Assert.All(
            [0, -1, 536_870_912], bad => Assert.Throws<ArgumentOutOfRangeException>("maxPixels", () => ResNetImage.Load("image", bad)));
    }

    [SkippableFact]
    public async Task APipeAndADeviceAreRefusedBeforeTheyAreOpened()
    {
        using var folder = new TemporaryFolder();
        ImageFiles.MakePipe(folder["pipe.jpg"]);
        File.CreateSymbolicLink(folder["endless.jpg"], "/dev/zero");

        foreach (var name in (string[])["pipe.jpg", "endless.jpg"])
        {
            var load = Task.Run(() => ResNetImage.Load(folder[name]));
            Assert.Contains(name, (await Assert.ThrowsAsync<IOException>(() => load.WaitAsync(TimeSpan.FromMinutes(1)))).Message);
        }
    }

    [SkippableFact]
    public void AFileIsFoundByAnyName()
    {
        Skip.If(OperatingSystem.IsWindows(), "Windows has no such names");
        using var folder = new TemporaryFolder();
        var path = folder["two\nlines\u0001 and 'quotes', é.png"];
        File.WriteAllBytes(path, ImageFiles.Png(9, 5, 8, 2));
        File.CreateSymbolicLink(folder["link"], path);

        using var image = ResNetImage.Load(path);
        using var linked = ResNetImage.Load(folder["link"]);

        Assert.Equal((path, 9, 9), (image.Tag, image.Width, linked.Width));
    }

    // ML.NET takes each of them, and so did training, which looked at the end of the file.
    [Fact]
    public void AnImageWhosePixelsAreMissingIsTruncatedWhateverItsEnd()
    {
        var jpeg = Encode(SKEncodedImageFormat.Jpeg);
        var cut = ImageFiles.CutWithEnd(jpeg);

        Assert.Contains(
            "it is truncated",
            Assert.Throws<InvalidDataException>(() => ResNetImage.Decode([.. ImageFiles.Gif[..^5], 1, 0x84, 0, 0x3B])).Message);
        Assert.Contains("it is truncated", Assert.Throws<InvalidDataException>(() => ResNetImage.Decode([.. cut, .. jpeg])).Message);
        Assert.Contains(
            "it is truncated", Assert.Throws<InvalidDataException>(() => ResNetImage.Decode(jpeg.AsSpan(0, jpeg.Length / 2))).Message);
        Assert.Contains(
            "it is truncated: the file ends before the image does",
            Assert.Throws<InvalidDataException>(() => ResNetImage.Decode(cut)).Message);
        using var taken = new ImageDecoder { TakesTruncated = true }.Decode(cut);
        using var stream = new MemoryStream(cut);
        using var expected = MLImage.CreateFromStream(stream);
        Assert.True(expected.Pixels.SequenceEqual(taken.Pixels));
        using var followed = ResNetImage.Decode([.. jpeg, .. new byte[300]]); // what follows an image does no harm
    }

    [Fact]
    public void ContentThatIsNoImageIsNamed()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["text.jpg"], "not an image");

        var message = Assert.Throws<InvalidDataException>(() => ResNetImage.Load(folder["text.jpg"])).Message;

        Assert.Equal(
            $"Image '{folder["text.jpg"]}' cannot be read: it is no image that can be decoded: "
            + "neither JPEG, PNG, WebP, GIF nor BMP, or its header is damaged.",
            message);
        Assert.Throws<FileNotFoundException>(() => ResNetImage.Load(folder["none.jpg"]));
        Assert.Throws<InvalidDataException>(() => ResNetImage.Decode([]));
    }

    // EXIF 2.32, tag 274: where the first row and the first column of what is stored belong.
    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(3, false)]
    [InlineData(4, false)]
    [InlineData(5, true)]
    [InlineData(6, true)]
    [InlineData(7, true)]
    [InlineData(8, true)]
    public void APhotographIsTurnedUprightWhereThatIsAskedFor(int orientation, bool isOnItsSide)
    {
        var file = ImageFiles.WithOrientation(Encode(SKEncodedImageFormat.Jpeg), orientation);
        using var stored = ResNetImage.Decode(file);

        using var upright = ResNetImage.Decode(file, applyExifOrientation: true);

        var (width, height) = isOnItsSide ? (stored.Height, stored.Width) : (stored.Width, stored.Height);
        Assert.Equal((width, height), (upright.Width, upright.Height));
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                var (column, row) = orientation switch
                {
                    1 => (x, y),
                    2 => (stored.Width - 1 - x, y),
                    3 => (stored.Width - 1 - x, stored.Height - 1 - y),
                    4 => (x, stored.Height - 1 - y),
                    5 => (y, x),
                    6 => (y, stored.Height - 1 - x),
                    7 => (stored.Width - 1 - y, stored.Height - 1 - x),
                    _ => (stored.Width - 1 - y, x),
                };
                Assert.Equal(Pixel(stored, column, row), Pixel(upright, x, y));
            }
        }
    }

    [Fact]
    public void AFileThatWasNotTurnedIsKnown()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["upright.jpg"], ImageFiles.WithOrientation(Encode(SKEncodedImageFormat.Jpeg), 1));
        File.WriteAllBytes(folder["turned.jpg"], ImageFiles.WithOrientation(Encode(SKEncodedImageFormat.Jpeg), 6));
        var (ignoring, applying) = (new ImageDecoder(), new ImageDecoder(applyExifOrientation: true));

        ignoring.Load(folder["upright.jpg"]).Dispose();
        Assert.Null(ignoring.TurnedFile);
        ignoring.Load(folder["turned.jpg"]).Dispose();
        applying.Load(folder["turned.jpg"]).Dispose();
        Assert.Equal((folder["turned.jpg"], null), (ignoring.TurnedFile, applying.TurnedFile));
    }

    [Fact]
    public void WhateverTheBytesAreThereIsAnImageOrARefusal()
    {
        var random = new Random(1);
        foreach (var row in (IEnumerable<object[]>)Files)
        {
            for (var i = 0; i < 100; i++)
            {
                var file = (byte[])((byte[])row[1]).Clone();
                for (var flips = random.Next(1, 5); flips > 0; flips--)
                {
                    file[random.Next(random.Next(2) == 0 ? Math.Min(64, file.Length) : file.Length)] = (byte)random.Next(256);
                }

                try
                {
                    ResNetImage.Decode(file.AsSpan(0, random.Next(4) == 0 ? random.Next(file.Length) : file.Length), maxPixels: 1_000_000)
                        .Dispose();
                }
                catch (InvalidDataException)
                {
                    // the refusal
                }
            }
        }
    }

    private static (byte Blue, byte Green, byte Red, byte Alpha) Pixel(MLImage image, int x, int y)
    {
        var pixel = image.Pixels.Slice(4 * (y * image.Width + x), 4);
        return (pixel[0], pixel[1], pixel[2], pixel[3]);
    }

    // Of a JPEG's frame header, FF C0: its length, the depth, then height and width.
    private static byte[] WithSize(byte[] jpeg, int size)
    {
        var at = jpeg.AsSpan().IndexOf<byte>([0xFF, 0xC0]) + 5;
        (jpeg[at], jpeg[at + 1], jpeg[at + 2], jpeg[at + 3]) = ((byte)(size >> 8), (byte)size, (byte)(size >> 8), (byte)size);
        return jpeg;
    }

    private static byte[] Encode(SKEncodedImageFormat format, SKColorType colorType = SKColorType.Bgra8888)
    {
        using var bitmap = new SKBitmap(40, 24, SKColorType.Bgra8888, SKAlphaType.Opaque);
        var random = new Random(1);
        for (var y = 0; y < bitmap.Height; y++)
        {
            for (var x = 0; x < bitmap.Width; x++)
            {
                bitmap.SetPixel(x, y, new SKColor((byte)random.Next(256), (byte)(x * 6), (byte)(y * 10)));
            }
        }

        using var converted = bitmap.Copy(colorType);
        using var data = converted.Encode(format, 90);
        return data.ToArray();
    }
}
