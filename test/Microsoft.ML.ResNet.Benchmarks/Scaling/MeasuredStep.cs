namespace Benchmarks.Scaling;

/// <summary>A step that was measured between network namespaces, by measure.sh beside this file.</summary>
/// <param name="Network">The network.</param>
/// <param name="ImageSize">Height and width of its images.</param>
/// <param name="Batch">The images of a step, of all ranks.</param>
/// <param name="Wire">The ranks, and what connects them.</param>
/// <param name="Alone">Milliseconds of a step of the slowest process, each by itself on its part of the batch, all at the same time.
/// </param>
/// <param name="Together">Milliseconds of a step of all.</param>
internal sealed record MeasuredStep(string Network, int ImageSize, int Batch, MeasuredWire Wire, double Alone, double Together)
{
    /// <summary>The classes of the network that is measured.</summary>
    public const int Classes = 10;

    /// <summary>Gets the milliseconds that the model predicts, from the link and from the time alone.</summary>
    public double Predicted => 1000 * new StepModel
    {
        Network = ExchangedNetwork.Of(Network, ImageSize, Classes),
        Link = Wire.Link,
        Ranks = Wire.Ranks,
        Compute = Alone / 1000,
        SecondsPerByte = ScalingFigures.SecondsPerByte,
        SecondsTakenPerByte = ScalingFigures.SecondsTakenPerByte,
    }.Predict().Total;
}

/// <summary>Links between namespaces, and what was measured of messages alone.</summary>
/// <param name="Ranks">The processes, of one thread each, on two cores.</param>
/// <param name="Gigabits">The rate that links were shaped to.</param>
/// <param name="Gathering">Microseconds of a gathering of 8 bytes from all ranks.</param>
/// <param name="Sum">Milliseconds of the sum of <see cref="Gradients"/>.</param>
internal sealed record MeasuredWire(int Ranks, double Gigabits, double Gathering, double Sum)
{
    /// <summary>The numbers of the sum: about ResNet-18's.</summary>
    public const long Gradients = 11_173_962;

    /// <summary>Gets the link: a gathering has rounds of a message each.</summary>
    public NetworkLink Link => new(Gigabits, Gathering * 1e-6 / Math.Ceiling(Math.Log2(Ranks)));

    /// <summary>Gets the milliseconds that the model predicts for the sum.</summary>
    public double PredictedSum => 1000 * new StepModel
    {
        Network = new ExchangedNetwork("gradients alone", [new ExchangedLayer(MultiplyAdds: 0, Gradients)], Channels: []),
        Link = Link,
        Ranks = Ranks,
        Compute = 0,
        SecondsPerByte = ScalingFigures.SecondsPerByte,
    }.Predict().Gradients;
}
