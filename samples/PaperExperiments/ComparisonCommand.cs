using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using System.Text;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Trainers;
using Spectre.Console;

namespace PaperExperiments;

/// <summary>The commands that train some networks under one protocol and set them side by side. A comparison is a row.</summary>
/// <param name="Name">The command.</param>
/// <param name="Claim">What the paper says, and where.</param>
/// <param name="QuickSteps">The steps of each network in the quick budget.</param>
/// <param name="QuickShows">What of it the quick budget can show.</param>
/// <param name="Networks">The networks.</param>
internal sealed record ComparisonCommand(
    string Name, string Claim, long QuickSteps, string QuickShows, ImmutableArray<ResNetArchitecture> Networks)
{
    public static readonly ComparisonCommand Degradation = new(
        "degradation",
        "Without shortcuts a deeper network has the higher training error; with them it has the lower one (figure 6, left and middle).",
        QuickSteps: 2_000,
        QuickShows: "the degradation of plain networks, and that shortcuts take most of it away. "
            + "Deeper networks start more slowly: that ResNet-56 overtakes ResNet-20 takes longer.",
        [ResNetArchitecture.Plain20, ResNetArchitecture.Plain56, ResNetArchitecture.ResNet20, ResNetArchitecture.ResNet56]);

    public static readonly ComparisonCommand Depth = new(
        "depth",
        "The deeper the residual network, the lower its error (table 6); without shortcuts it is the higher (figure 6).",
        QuickSteps: 1_500,
        QuickShows: "that all of them train, and how deeper ones start more slowly. The order of table 6 takes longer.",
        [
            ResNetArchitecture.Plain20, ResNetArchitecture.ResNet20,
            ResNetArchitecture.Plain32, ResNetArchitecture.ResNet32,
            ResNetArchitecture.Plain44, ResNetArchitecture.ResNet44,
            ResNetArchitecture.Plain56, ResNetArchitecture.ResNet56,
            ResNetArchitecture.ResNet110,
        ]);

    public static readonly ComparisonCommand Shortcuts = new(
        "shortcuts",
        "Identity shortcuts are enough: projections (B, C) are only slightly better than padded identities (A) "
            + "(table 3, for ResNet-34 on ImageNet).",
        QuickSteps: 2_000,
        QuickShows: "that the three are close to each other.",
        [
            ResNetArchitecture.ResNet20 with { Name = "resnet20-A", Shortcut = ShortcutKind.A },
            ResNetArchitecture.ResNet20 with { Name = "resnet20-B", Shortcut = ShortcutKind.B },
            ResNetArchitecture.ResNet20 with { Name = "resnet20-C", Shortcut = ShortcutKind.C },
        ]);

    public Command Create() => ExperimentOptions.Command(
        Name,
        $"Trains {string.Join(", ", Networks.Select(network => network.Name))}. {Claim} With --budget quick it shows {QuickShows}",
        Run);

    private void Run(Laboratory laboratory)
    {
        AnsiConsole.MarkupLineInterpolated($"[bold]{Claim}[/]");
        var networks = Train(laboratory);
        TrainingCurves.Plot(laboratory.Result($"{Name}.png"), [.. networks.Select(network => (network.Name, network.Model.History))]);
        var table = Table(networks);
        File.WriteAllText(laboratory.Result($"{Name}.md"), $"{Claim}\n\n{table}");
        AnsiConsole.WriteLine();
        Console.WriteLine(table);
        AnsiConsole.WriteLine($"Written to {laboratory.Result($"{Name}.md")} and {laboratory.Result($"{Name}.png")}.");
    }

    /// <summary>Trains the networks, or takes those that were trained before.</summary>
    public TrainedNetwork[] Train(Laboratory laboratory) => [.. Networks.Select(network =>
    {
        var recipe = laboratory.Recipe(Verification.LayerCount(network), QuickSteps);
        return laboratory.Train(network, recipe, $"{network.Name}-{recipe.Steps}");
    })];

    private static string Table(TrainedNetwork[] networks)
    {
        var table = new StringBuilder(
            "| network | parameters | training error | test error | test error in the paper | minutes |\n|---|---|---|---|---|---|\n");
        foreach (var network in networks)
        {
            var paper = PaperTables.Cifar10.FirstOrDefault(row => row.Architecture == network.Model.Architecture)?.TestErrorPercent;
            table.AppendLine(CultureInfo.InvariantCulture,
                $"| {network.Name} | {network.Parameters:n0} | {100 * network.TrainingError:f2} % | {100 * network.TestError:f2} % "
                + $"| {(paper is null ? "-" : $"{paper} %")} | {network.Duration.TotalMinutes:f1} |");
        }

        return table.ToString();
    }
}
