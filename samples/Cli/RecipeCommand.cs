using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.ML.ResNet.Trainers;
using Samples;

namespace Cli;

/// <summary><c>recipe</c>: a recipe as JSON, to edit and give to <c>train --recipe</c>.</summary>
internal static class RecipeCommand
{
    public static Command Create()
    {
        var name = new Argument<string?>("name")
        {
            Description = $"The recipe: {string.Join(", ", RecipeNames.All)}. Without one, the names are listed.",
            Arity = ArgumentArity.ZeroOrOne,
            HelpName = "name",
        };
        name.CompletionSources.Add([.. RecipeNames.All]);
        name.Validators.Add(result =>
        {
            if (result.Tokens is [var token, ..] && token.Value[0] != '-' && RecipeNames.Find(token.Value) is null)
            {
                result.AddError($"There is no recipe '{token.Value}'.{Spelling.Suggestion(token.Value, RecipeNames.All)} There are: "
                    + $"{string.Join(", ", RecipeNames.All)}.");
            }
        });
        var command = new Command("recipe",
            "Prints a recipe, all that decides how a network is trained, as JSON: 'resnet recipe modern > my.json', edit it, 'resnet "
            + "train photos --recipe my.json'.")
        {
            name,
        };
        return command.Runs((arguments, terminal, _) =>
        {
            if (arguments.GetValue(name) is { } wanted)
            {
                terminal.WriteLine(RecipeNames.Find(wanted)!.ToJson());
            }
            else if (terminal.WantsJson)
            {
                terminal.WriteLine(new JsonObject(RecipeNames.All.Select(each =>
                    KeyValuePair.Create(each, JsonNode.Parse(RecipeNames.Find(each)!.ToJson()))))
                    .ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
            }
            else
            {
                terminal.WriteTable(["recipe", "length", "batch size", "learning rate", "optimizer"], RecipeNames.All.Select(each =>
                {
                    var recipe = RecipeNames.Find(each)!;
                    return new[] { each, Length(recipe), $"{recipe.BatchSize}", FormattableString.Invariant($"{recipe.LearningRate}"),
                        $"{recipe.Optimizer}" };
                }));
            }

            return ExitCode.Success;
        });
    }

    private static string Length(TrainingRecipe recipe) =>
        recipe.Steps is { } steps ? FormattableString.Invariant($"{steps:n0} steps") : $"{recipe.Epochs} epochs";
}
