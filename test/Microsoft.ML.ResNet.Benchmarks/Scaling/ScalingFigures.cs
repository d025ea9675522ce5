using System.Collections.Immutable;

namespace Benchmarks.Scaling;

/// <summary>What was measured, and what tables assume.</summary>
internal static class ScalingFigures
{
    /// <summary>Seconds for each byte of gradients to copy and to add up: the sum of <see cref="MeasuredWire.Gradients"/> over two ranks
    /// of one machine, through shared memory, took 33.7 ms.</summary>
    public const double SecondsPerByte = 33.7e-3 / (sizeof(float) * MeasuredWire.Gradients);

    /// <summary>Microseconds of a small message over TCP between machines.</summary>
    public const double AssumedLatency = 50;

    /// <summary>The cores of a node of the tables, over the two that training was measured on.</summary>
    public const double CoresOfNode = 64;

    public const double CoresMeasured = 2;

    public static readonly ImmutableArray<double> Links = [10, 25, 100];

    public static readonly ImmutableArray<int> Nodes = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

    public static readonly ImmutableArray<string> Networks = ["resnet18", "resnet50", "resnet152"];

    /// <summary>What measure.sh found: once, of four seconds each, on a machine that did nothing else.</summary>
    public static readonly ImmutableArray<MeasuredWire> Wires =
    [
        new(Ranks: 2, Gigabits: 1, Gathering: 24.9, Sum: 392.8),
        new(Ranks: 2, Gigabits: 10, Gathering: 26.2, Sum: 66.9),
        new(Ranks: 4, Gigabits: 1, Gathering: 172.9, Sum: 1069.2),
        new(Ranks: 4, Gigabits: 10, Gathering: 138.0, Sum: 183.4),
    ];

    public static readonly ImmutableArray<MeasuredStep> Steps =
    [
        new("resnet20", 32, 128, Wires[0], Alone: 101.0, Together: 125.5),
        new("resnet20", 32, 128, Wires[1], Alone: 89.5, Together: 104.1),
        new("resnet20", 32, 128, Wires[2], Alone: 118.8, Together: 155.1),
        new("resnet20", 32, 128, Wires[3], Alone: 140.9, Together: 127.8),
        new("resnet18", 224, 16, Wires[0], Alone: 390.8, Together: 906.3),
        new("resnet18", 224, 16, Wires[1], Alone: 382.3, Together: 504.4),
        new("resnet18", 224, 16, Wires[2], Alone: 551.9, Together: 1455.7),
        new("resnet18", 224, 16, Wires[3], Alone: 544.8, Together: 1011.8),
    ];

    /// <summary>Gets the images per second of a node: those that two cores were measured to train on, times more cores.</summary>
    /// <remarks>ResNet-152 was not measured: its rate is that of ResNet-50 over the ratio of their multiply-adds.</remarks>
    public static double Rate(string network)
    {
        const double ofResNet18 = 36.5, ofResNet50 = 12.0; // docs/BENCHMARKS.md, 224×224, batch 16
        var perNode = CoresOfNode / CoresMeasured;
        return network switch
        {
            "resnet18" => ofResNet18 * perNode,
            "resnet50" => ofResNet50 * perNode,
            _ => ofResNet50 * perNode * Of("resnet50").MultiplyAdds / Of(network).MultiplyAdds,
        };
    }

    public static ImageNetTraining Training(string network, double gigabits, int nodes) => new()
    {
        Network = Of(network),
        Link = new NetworkLink(gigabits, AssumedLatency * 1e-6),
        Rate = Rate(network),
        Nodes = nodes,
        SecondsPerByte = SecondsPerByte,
    };

    private static ExchangedNetwork Of(string name) => ExchangedNetwork.Of(name, ImageNetTraining.ImageSize, ImageNetTraining.Classes);
}
