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
    };

    /// <summary>Makes the option <c>--recipe</c>, which completes the names.</summary>
    public static Option<string> Option(string byDefault)
    {
        var option = new Option<string>("--recipe") { Description = $"{string.Join(", ", Recipes.Keys)}, or a JSON file.", DefaultValueFactory = _ => byDefault };
        option.CompletionSources.Add([.. Recipes.Keys]);
        return option;
    }

    /// <summary>Gets the recipe of a name, or that of a file.</summary>
    /// <exception cref="ArgumentException">There is neither, or the file holds no recipe.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static TrainingRecipe Read(string name) => Recipes.TryGetValue(name, out var named) ? named
        : File.Exists(name) ? TrainingRecipe.FromJson(Text(name))
        : throw new ArgumentException($"'{name}' is no recipe: give {string.Join(", ", Recipes.Keys)}, or a JSON file.");

    private static string Text(string path)
    {
        using var reader = new StreamReader(RegularFile.OpenRead(path));
        return reader.ReadToEnd();
    }
}
