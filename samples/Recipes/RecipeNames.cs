using System.CommandLine;
using Microsoft.ML.ResNet.Files;
using Microsoft.ML.ResNet.Trainers;

namespace Samples;

/// <summary>The recipes that a command line names.</summary>
internal static class RecipeNames
{
    private static readonly Dictionary<string, TrainingRecipe> Recipes = new(StringComparer.OrdinalIgnoreCase)
    {
        ["modern"] = TrainingRecipe.Modern,
        ["fast"] = TrainingRecipe.Fast,
        ["paper"] = TrainingRecipe.Paper,
        ["paper-deep"] = TrainingRecipe.PaperDeep,
        ["paper-imagenet"] = TrainingRecipe.PaperImageNet,
        ["large-batch"] = TrainingRecipe.LargeBatch,
    };

    /// <summary>Gets the names.</summary>
    public static IEnumerable<string> All => Recipes.Keys;

    /// <summary>Makes the option <c>--recipe</c>, which completes the names and refuses what is neither one of them nor a file.</summary>
    public static Option<string> Option(string byDefault)
    {
        var option = new Option<string>("--recipe")
        {
            Description = $"How the network is trained: {string.Join(", ", All)}, or a JSON file.",
            HelpName = "name or file",
            DefaultValueFactory = _ => byDefault,
            CustomParser = result =>
            {
                var name = result.Tokens[^1].Value;
                if (!Recipes.ContainsKey(name) && !File.Exists(name) && !name.EndsWith(".json", StringComparison.OrdinalIgnoreCase))
                {
                    result.AddError($"--recipe is '{name}', but must be {string.Join(", ", All)}, or a JSON file.");
                }

                return name;
            },
        };
        option.CompletionSources.Add([.. All]);
        return option;
    }

    /// <summary>Gets the recipe of a name; null if none has it.</summary>
    public static TrainingRecipe? Find(string name) => Recipes.GetValueOrDefault(name);

    /// <summary>Gets the recipe of a name, or that of a file.</summary>
    /// <exception cref="ArgumentException">The file holds no recipe.</exception>
    /// <exception cref="IOException">There is neither, or the file cannot be read.</exception>
    public static TrainingRecipe Read(string name) => Find(name)
        ?? (File.Exists(name) ? TrainingRecipe.FromJson(Text(name))
        : throw new FileNotFoundException($"There is no recipe '{name}': give {string.Join(", ", All)}, or a JSON file."));

    private static string Text(string path)
    {
        using var reader = new StreamReader(RegularFile.OpenRead(path));
        return reader.ReadToEnd();
    }
}
