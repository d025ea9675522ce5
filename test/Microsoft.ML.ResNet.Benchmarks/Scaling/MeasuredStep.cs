namespace Benchmarks.Scaling;

/// <summary>A step that was measured between network namespaces, by measure.sh beside this file.</summary>
/// <param name="Network">The network.</param>
/// <param name="ImageSize">Height and width of its images.</param>
/// <param name="Batch">The images of a step, of all ranks.</param>
/// <param name="Ranks">The processes, of one thread each.</param>
/// <param name="Wire">The link as it was found to be.</param>
/// <param name="Alone">Milliseconds of a step of each process by itself, all at the same time, each on its part of the batch.</param>
/// <param name="Together">Milliseconds of a step of all.</param>
internal sealed record MeasuredStep(string Network, int ImageSize, int Batch, int Ranks, MeasuredWire Wire, double Alone, double Together)
{
    /// <summary>The classes of the network that is measured.</summary>
    public const int Classes = 10;

    /// <summary>Gets the milliseconds that the model predicts, from the link and from the time alone.</summary>
    public double Predicted => 1000 * new StepModel
    {
        Network = ExchangedNetwork.Of(Network, ImageSize, Classes),
        Link = new NetworkLink(Wire.Gigabits, Wire.Latency * 1e-6),
        Ranks = Ranks,
        Compute = Alone / 1000,
        SecondsPerByte = ScalingFigures.SecondsPerByte,
    }.Predict().Total;
}

/// <summary>A link between namespaces.</summary>
/// <param name="Name">How it was shaped.</param>
/// <param name="Gigabits">The rate that it was shaped to.</param>
/// <param name="Latency">Microseconds of a gathering of 8 bytes from two ranks.</param>
internal sealed record MeasuredWire(string Name, double Gigabits, double Latency);
