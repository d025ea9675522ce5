using System.Collections.Immutable;

namespace Benchmarks.Scaling;

/// <summary>What was measured, and what tables assume.</summary>
internal static class ScalingFigures
{
    /// <summary>Seconds for each byte of gradients to copy and to add up: two ranks of one machine, through shared memory.</summary>
    public const double SecondsPerByte = 1.0e-9;

    /// <summary>Microseconds of a small message over TCP between machines.</summary>
    public const double AssumedLatency = 50;

    /// <summary>The cores of a node of the tables, over the two that training was measured on.</summary>
    public const double CoresOfNode = 64;

    public const double CoresMeasured = 2;

    public static readonly ImmutableArray<double> Links = [10, 25, 100];

    public static readonly ImmutableArray<int> Nodes = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

    public static readonly ImmutableArray<string> Networks = ["resnet18", "resnet50", "resnet152"];

    public static readonly ImmutableArray<MeasuredStep> Steps = [];

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
