using System.Diagnostics;
using System.Text.Json.Serialization;
using Microsoft.ML.ResNet.Images;

namespace Benchmarks.Peers;

/// <summary>A training loop to measure: some seconds of it, after some to get warm.</summary>
/// <param name="Architecture">The network's name.</param>
/// <param name="ImageSize">Height and width of the images, in pixels.</param>
/// <param name="BatchSize">Images per step.</param>
/// <param name="Classes">Number of classes.</param>
/// <param name="Folder">Folder of class folders.</param>
/// <param name="Images">How many of its images to train on, spread over the classes.</param>
/// <param name="Threads">Threads that compute.</param>
/// <param name="WarmUp">Seconds before the measurement.</param>
/// <param name="Seconds">Seconds of the measurement.</param>
internal sealed record TrainingWork(
    string Architecture, int ImageSize, int BatchSize, int Classes, string Folder, int Images, int Threads, double WarmUp, double Seconds)
{
    [JsonIgnore]
    public LayerPlan Plan => LayerPlan.Create(ResNetArchitecture.Parse(Architecture), new ImageShape(3, ImageSize, ImageSize), Classes);

    /// <summary>Takes the given number of a folder's images, in equal steps, so that all classes are among them.</summary>
    public ImageFolderRow[] Select()
    {
        ImageFolderRow[] all = [.. ImageFolder.List(Folder)];
        var count = Math.Min(Images, all.Length);
        return [.. Enumerable.Range(0, count).Select(i => all[(int)((long)i * all.Length / count)])];
    }
}

/// <summary>What came of a training loop.</summary>
/// <param name="ImagesPerSecond">The rate after the warm-up.</param>
/// <param name="Parameters">The number of the network's parameters.</param>
/// <param name="Note">What there is to know about it.</param>
internal sealed record TrainingRate(double ImagesPerSecond, long Parameters, string Note = "")
{
    /// <summary>Gets the most memory that the process had, in bytes.</summary>
    public long PeakMemory { get; init; }

    /// <summary>Gets the share of a training step's time that background threads spent on augmentation.</summary>
    public double? AugmentationShare { get; init; }

    /// <summary>Gets milliseconds per step, by kind of operation.</summary>
    public Dictionary<string, double> Parts { get; init; } = [];
}

/// <summary>Measures the rate of steps after a warm-up.</summary>
/// <param name="warmUp">Seconds before the measurement.</param>
/// <param name="seconds">Seconds of the measurement.</param>
/// <param name="warmUpSteps">Steps that the warm-up takes at least.</param>
internal sealed class StepClock(double warmUp, double seconds, long warmUpSteps = 0)
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private (double Time, long Step)? _first;
    private (double Time, long Step) _last;

    public bool IsOver => _first is { } first && _last.Time - first.Time >= seconds && _last.Step > first.Step;

    public double StepsPerSecond => (_last.Step - _first!.Value.Step) / (_last.Time - _first.Value.Time);

    /// <summary>Notes that so many steps have been taken.</summary>
    public void At(long step)
    {
        _last = (_clock.Elapsed.TotalSeconds, step);
        if (_first is null && _last.Time >= warmUp && step >= warmUpSteps)
        {
            _first = _last;
        }
    }
}
