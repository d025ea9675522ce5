using System.Collections.Immutable;
using Benchmarks.Peers;
using Benchmarks.Report;

namespace Benchmarks.Runs;

/// <summary><c>growth</c>: time per image and peak memory against depth, image size, batch and number of images.</summary>
internal sealed class GrowthRun : IRun
{
    public string Name => "growth";

    public string Description => "How cost grows with depth, image size, batch and number of images; with plots.";

    public Section Measure(Settings settings)
    {
        var parts = ImmutableArray.CreateBuilder<IPart>();
        foreach (var axis in Axes(settings).Where(axis => settings.Includes(axis.Name)))
        {
            parts.AddRange(Measure(axis));
        }

        return new Section("How cost grows", parts.ToImmutable());
    }

    // Short files of small images: what is measured is the loop, and the image size is what they are resized to.
    private static IEnumerable<Axis> Axes(Settings settings)
    {
        var small = settings.Images.Small;
        var common = new TrainingWork("resnet20", 32, 128, 10, small.Folder, Math.Min(small.Paths.Length, settings.Quick ? 1_024 : 8_192),
            settings.Threads, settings.Quick ? 1 : 5, settings.Quick ? 2 : 15);
        int[] depths = settings.Quick ? [20, 56, 110] : [20, 32, 44, 56, 110, 1202];
        int[] sizes = settings.Quick ? [16, 32, 64] : [16, 24, 32, 48, 64, 96];
        int[] batches = settings.Quick ? [16, 128, 512] : [8, 16, 32, 64, 128, 256, 512];
        int[] counts = settings.Quick ? [500, 2_000, 7_000] : [1_000, 3_000, 10_000, 25_000, 50_000];
        yield return new Axis("depth", "layers, at 32×32 pixels and batch 16", [.. depths.Select(
            depth => (depth, common with { Architecture = $"resnet{depth}", BatchSize = 16, Images = Math.Min(common.Images, 1_024) }))]);
        yield return new Axis(
            "size",
            "pixels per image, ResNet-20 at batch 128",
            [.. sizes.Select(size => (size * size, common with { ImageSize = size, Images = Math.Min(common.Images, 2_048) }))]);
        yield return new Axis(
            "batch",
            "images per batch, ResNet-20 at 32×32 pixels",
            [.. batches.Select(batch => (batch, common with { BatchSize = batch }))]);
        yield return new Axis(
            "images",
            "training images, ResNet-20 at 32×32 pixels and batch 128",
            [.. counts.Where(count => count <= small.Paths.Length).Select(count => (count, common with { Images = count }))]);
    }

    private static IEnumerable<IPart> Measure(Axis axis)
    {
        var points = new List<GrowthPoint>();
        foreach (var (x, work) in axis.Works)
        {
            if (OurTraining.Peer.Run(work) is { } rate)
            {
                points.Add(new GrowthPoint(x, 1000 / rate.ImagesPerSecond, rate.PeakMemory / 1e6));
                Output.Say($"{axis.Name} {x}: {points[^1].Milliseconds.ToString("0.00", Output.Culture)} ms an "
                    + $"image, {points[^1].Megabytes.ToString("0", Output.Culture)} MB");
            }
        }

        if (points.Count < 2)
        {
            yield break;
        }

        var (time, memory) = (
            Statistics.Exponent(points.Select(point => (point.X, point.Milliseconds))),
            Statistics.Exponent(points.Select(point => (point.X, point.Megabytes))));
        yield return new Table($"Against {axis.Name}: {axis.Title}",
            [axis.Name, "time per image", "peak memory"],
            [
                .. points.Select(point => (ImmutableArray<string>)[point.X.ToString("#,0", Output.Culture),
                    $"{point.Milliseconds.ToString("0.00", Output.Culture)} ms", $"{point.Megabytes.ToString("#,0", Output.Culture)} MB"]),
                ["grows with the power", time.ToString("0.00", Output.Culture), memory.ToString("0.00", Output.Culture)],
            ]);
        yield return GrowthChart.Write(axis.Name, axis.Title, points);
    }

    private sealed record Axis(string Name, string Title, ImmutableArray<(int X, TrainingWork Work)> Works);
}
