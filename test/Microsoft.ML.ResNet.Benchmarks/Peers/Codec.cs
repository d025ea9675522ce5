using System.Diagnostics;
using SkiaSharp;

namespace Benchmarks.Peers;

/// <summary>SkiaSharp's codec alone: reads files and decodes them, on all cores, and drops the pixels.</summary>
/// <param name="Images">The folder, how many of its images, and the threads that decode.</param>
/// <param name="ScaledTo">Decode to the smallest size that the codec knows with sides of at least this; null for whole images.</param>
internal sealed record Codec(TrainingWork Images, int? ScaledTo = null)
{
    public static readonly Peer<Codec, CodecResult> Peer = new("codec", Decode);

    private static CodecResult Decode(Codec work)
    {
        var paths = work.Images.Select().Select(image => image.ImagePath).ToArray();
        var (clock, decoded) = (Stopwatch.StartNew(), 0);
        Parallel.ForEach(paths, new ParallelOptions { MaxDegreeOfParallelism = work.Images.Threads }, path =>
        {
            using var codec = SKCodec.Create(path);
            if (codec is null)
            {
                return;
            }

            var info = new SKImageInfo(codec.Info.Width, codec.Info.Height, SKColorType.Bgra8888, SKAlphaType.Opaque);
            if (work.ScaledTo is { } side)
            {
                var scale = (float)side / Math.Min(info.Width, info.Height);
                var size = scale < 1 ? codec.GetScaledDimensions(scale) : codec.Info.Size;
                (info.Width, info.Height) = (size.Width, size.Height);
            }

            using var bitmap = new SKBitmap(info);
            codec.GetPixels(info, bitmap.GetPixels());
            Interlocked.Increment(ref decoded);
        });
        return new CodecResult(decoded, clock.Elapsed.TotalSeconds);
    }
}

/// <summary>Images decoded, and the seconds that they took.</summary>
internal sealed record CodecResult(int Images, double Seconds);
