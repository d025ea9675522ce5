using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Trainers.Data;
using SkiaSharp;

namespace Microsoft.ML.ResNet.Trainers.Tests.Data;

public sealed class SourceFileCheckTests
{
    // GIF and BMP, which SkiaSharp does not write, by hand: one 2×2 image each.
    private static readonly byte[] Gif = Convert.FromHexString(
        "47494638396102000200800000FF0000FFFFFF2C00000000020002000002028C51003B".Replace("8C51", "8451"));
    private static readonly byte[] Bmp = Convert.FromHexString(
        "424D46000000000000003600000028000000020000000200000001001800000000001000000000000000000000000000000000000000"
            + "0000FF00FF000000" + "FF0000FFFFFF0000");

    public static TheoryData<string, byte[]> Files => new()
    {
        { "jpeg", Encode(SKEncodedImageFormat.Jpeg) },
        { "png", Encode(SKEncodedImageFormat.Png) },
        { "webp", Encode(SKEncodedImageFormat.Webp) },
        { "gif", Gif },
        { "bmp", Bmp },
    };

    [Theory]
    [MemberData(nameof(Files))]
    public void AcceptsWholeFilesAndWhatFollowsThem(string format, byte[] file)
    {
        Assert.False(SourceFileCheck.IsTruncated(file), format);
        Assert.False(SourceFileCheck.IsTruncated([.. file, .. new byte[300]]), $"{format} with zeros behind it");
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void FindsFilesCutAnywhere(string format, byte[] file)
    {
        foreach (var share in (double[])[0.2, 0.5, 0.9])
        {
            Assert.True(SourceFileCheck.IsTruncated(file.AsSpan(0, (int)(file.Length * share))), $"{format} cut at {share:p0}");
        }
    }

    // Of large files only the ends are read: with the image at the start, in the middle of a large header, or cut.
    [Theory]
    [MemberData(nameof(Files))]
    public void AFileOnDiskIsJudgedAsItsContent(string format, byte[] file)
    {
        using var folder = new TemporaryFolder();
        byte[] header = [0xFF, 0xE1, 0xEA, 0x60, .. new byte[60_000 - 2]]; // an EXIF segment, before the scan
        byte[][] contents = [file, file[..(file.Length / 2)], [.. file, .. new byte[300]], [.. file, .. new byte[20_000]],
            [.. file[..(file.Length / 2)], .. new byte[20_000]], [.. file[..2], .. header, .. file[2..]], [.. file[..2], .. header]];
        for (var i = 0; i < contents.Length; i++)
        {
            File.WriteAllBytes(folder["image"], contents[i]);

            Assert.True(SourceFileCheck.IsTruncated(contents[i]) == SourceFileCheck.IsTruncated(folder["image"]), $"{format} {i}");
        }
    }

    [Fact]
    public void NeverReadsPastTheEnd()
    {
        var random = new Random(1);
        foreach (var row in (IEnumerable<object[]>)Files)
        {
            var file = (byte[])((byte[])row[1]).Clone();
            for (var i = 0; i < 2000; i++)
            {
                var damaged = file.AsSpan(0, random.Next(file.Length + 1)).ToArray();
                for (var flips = 0; flips < 4 && damaged.Length > 0; flips++)
                {
                    damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
                }

                SourceFileCheck.LooksTruncated(damaged); // throws, or does not
            }
        }
    }

    private static byte[] Encode(SKEncodedImageFormat format)
    {
        using var bitmap = new SKBitmap(64, 48);
        var random = new Random(1);
        for (var y = 0; y < 48; y++)
        {
            for (var x = 0; x < 64; x++)
            {
                bitmap.SetPixel(x, y, new SKColor((byte)random.Next(256), (byte)(x * 4), (byte)(y * 5)));
            }
        }

        using var data = bitmap.Encode(format, 90);
        return data.ToArray();
    }
}
