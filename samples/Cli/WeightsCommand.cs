using System.CommandLine;
using Microsoft.ML.ResNet;

namespace Cli;

/// <summary><c>weights</c>: the published weights that can be had by their name.</summary>
internal static class WeightsCommand
{
    public static Command Create()
    {
        var command = new Command("weights",
            "Lists the published weights: each name stands for a model in every command, and is downloaded once, when it is first used. "
            + "Needs no internet.");
        return command.Runs((_, terminal, _) =>
        {
            var all = PublishedWeights.All.Select(each => new
            {
                name = each.Name,
                architecture = each.Architecture.Name,
                imageSize = each.Preprocessing.Input.Height,
                address = each.Address.ToString(),
            }).ToArray();
            terminal.Write(all, list => terminal.WriteTable(["name", "network", "image size", "from"],
                list.Select(each => new[] { each.name, each.architecture, $"{each.imageSize}", each.address })));
            return ExitCode.Success;
        });
    }
}
