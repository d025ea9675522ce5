using System.CommandLine;
using Microsoft.ML.ResNet;
using Samples;

namespace PaperExperiments;

/// <summary><c>train</c>: one network by one of the named recipes, or by one from a file.</summary>
internal static class TrainCommand
{
    public static Command Create()
    {
        var network = new Option<string>("--network")
        {
            Description = "The network's name, such as resnet20.",
            DefaultValueFactory = _ => ResNetArchitecture.ResNet9.Name,
        };
        var recipe = RecipeNames.Option("fast");
        var (command, options) = (
            new Command("train", "Trains one network by one recipe, as long as the recipe says.") { network, recipe },
            new ExperimentOptions());
        options.AddTo(command);
        command.SetAction((arguments, cancellation) => Task.Run(() => ExitCode.Of(() =>
        {
            var architecture = ResNetArchitecture.Parse(arguments.GetValue(network)!);
            var name = arguments.GetValue(recipe)!;
            var how = RecipeNames.Read(name);
            var laboratory = options.Open(arguments, cancellation);
            laboratory.Train(architecture, laboratory.Limited(how), $"{architecture.Name}-{Path.GetFileNameWithoutExtension(name)}");
            return ExitCode.Success;
        })));
        return command;
    }
}
