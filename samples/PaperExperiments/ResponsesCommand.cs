using System.CommandLine;
using System.Globalization;
using System.Text;
using Microsoft.ML.ResNet.Trainers;
using Spectre.Console;

namespace PaperExperiments;

/// <summary>
/// <c>responses</c>: how strongly the layers of plain and residual networks respond (figure 7). Networks that
/// other commands trained are taken as they are.
/// </summary>
internal static class ResponsesCommand
{
    public static Command Create() => ExperimentOptions.Command(
        "responses",
        "Measures how strongly each 3×3 layer responds, in the networks of 'degradation'. "
            + "Residual networks respond less than plain ones, deeper ones less still (figure 7).",
        Run);

    private static void Run(Laboratory laboratory)
    {
        var (table, curves) = (
            new StringBuilder("| network | layers | smallest | median | largest |\n|---|---|---|---|---|\n"),
            new List<(string, IReadOnlyList<double>)>());
        foreach (var network in ComparisonCommand.Degradation.Train(laboratory))
        {
            var deviations = network.Model.LayerResponses(laboratory.Test).Select(response => response.StandardDeviation).ToArray();
            var ranked = deviations.Order().ToArray();
            table.AppendLine(CultureInfo.InvariantCulture,
                $"| {network.Name} | {ranked.Length} | {ranked[0]:f3} | {ranked[ranked.Length / 2]:f3} | {ranked[^1]:f3} |");
            curves.Add((network.Name, deviations));
        }

        LayerResponseCurves.Plot(laboratory.Result("responses.png"), [.. curves]);
        File.WriteAllText(laboratory.Result("responses.md"), $"Standard deviations of layer responses over all test images.\n\n{table}");
        Console.WriteLine(table);
        AnsiConsole.WriteLine($"Written to {laboratory.Result("responses.md")} and {laboratory.Result("responses.png")}.");
    }
}
