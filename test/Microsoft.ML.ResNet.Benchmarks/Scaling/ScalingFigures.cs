using System.Collections.Immutable;

namespace Benchmarks.Scaling;

/// <summary>What was measured, and what tables assume.</summary>
internal static class ScalingFigures
{
    /// <summary>Seconds for each byte of gradients to copy and to add up: the sum of <see cref="MeasuredWire.Gradients"/> over two ranks
    /// of one machine, through shared memory, took 37.7 ms.</summary>
    public const double SecondsPerByte = 37.7e-3 / (sizeof(float) * MeasuredWire.Gradients);

    /// <summary>Seconds of a core for each byte: in a step of ResNet-18 over 1 Gbit/s the thread of the exchange was busy for 198, 205 and
    /// 200 ms, most of it with TCP.</summary>
    public const double SecondsTakenPerByte = 0.2 / (sizeof(float) * MeasuredWire.Gradients);

    /// <summary>Microseconds of a small message over TCP between machines.</summary>
    public const double AssumedLatency = 50;

    /// <summary>The cores of a node of the tables, over the two that training was measured on.</summary>
    public const double CoresOfNode = 64;

    public const double CoresMeasured = 2;

    public static readonly ImmutableArray<double> Links = [10, 25, 100];

    public static readonly ImmutableArray<int> Nodes = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

    public static readonly ImmutableArray<string> Networks = ["resnet18", "resnet50", "resnet152"];

    /// <summary>What measure.sh found on a machine that did nothing else, in six seconds each: for two ranks medians of three, for four
    /// once.</summary>
    public static readonly ImmutableArray<MeasuredWire> Wires =
    [
        new(Ranks: 2, Gigabits: 1, Gathering: 17.3, Sum: 395.8),
        new(Ranks: 2, Gigabits: 10, Gathering: 19.4, Sum: 82.5),
        new(Ranks: 4, Gigabits: 1, Gathering: 102.0, Sum: 1025.9),
        new(Ranks: 4, Gigabits: 10, Gathering: 139.5, Sum: 236.7),
    ];

    public static readonly ImmutableArray<MeasuredStep> Steps =
    [
        new("resnet20", 32, 128, Wires[0], Alone: 206.4, Together: 254.6),
        new("resnet20", 32, 128, Wires[1], Alone: 226.6, Together: 242.8),
        new("resnet20", 32, 128, Wires[2], Alone: 271.2, Together: 261.1),
        new("resnet20", 32, 128, Wires[3], Alone: 343.5, Together: 265.6),
        new("resnet18", 224, 16, Wires[0], Alone: 1133.5, Together: 1604.2),
        new("resnet18", 224, 16, Wires[1], Alone: 1139.1, Together: 1307.9),
        new("resnet18", 224, 16, Wires[2], Alone: 1244.2, Together: 1847.2),
        new("resnet18", 224, 16, Wires[3], Alone: 1052.1, Together: 1774.9),
    ];

    /// <summary>Gets the images per second of a node: those that two cores were measured to train on, times more cores.</summary>
    /// <remarks>ResNet-152 was not measured: its rate is that of ResNet-50 over the ratio of their multiply-adds.</remarks>
    public static double Rate(string network)
    {
        const double ofResNet18 = 41.5, ofResNet50 = 17.7; // docs/BENCHMARKS.md, 224×224, batch 16, with fast bfloat16
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
