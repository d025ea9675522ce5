using System.CommandLine;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.ML.ResNet.Files;
using Microsoft.ML.ResNet.Trainers;

namespace Samples;

/// <summary>The recipes that a command line names.</summary>
internal static partial class RecipeNames
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
    /// <exception cref="ArgumentException">A value is out of its range.</exception>
    /// <exception cref="InvalidDataException">The file holds no recipe.</exception>
    /// <exception cref="IOException">There is neither, or the file cannot be read.</exception>
    public static TrainingRecipe Read(string name) => Find(name)
        ?? (File.Exists(name) ? ReadFile(name)
        : throw new FileNotFoundException($"There is no recipe '{name}': give {string.Join(", ", All)}, or a JSON file."));

    private static TrainingRecipe ReadFile(string path)
    {
        try
        {
            return TrainingRecipe.FromJson(Text(path));
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"'{path}' is no recipe: {Found(exception)}. 'resnet recipe modern' prints one.");
        }
    }

    // In the words of the file, not of .NET.
    private static string Found(JsonException exception) =>
        UnknownProperty().Match(exception.Message) is { Success: true } unknown ? $"no recipe has a property '{unknown.Groups[1].Value}'"
        : exception.Path is ['$', '.', .. var property] ? $"'{property}', in line {exception.LineNumber + 1}, has a value of another kind"
        : exception.LineNumber is { } line ? $"line {line + 1} is no JSON"
        : "it is no JSON object";

    [GeneratedRegex("JSON property '(.*?)' could not be mapped")]
    private static partial Regex UnknownProperty();

    private static string Text(string path)
    {
        using var reader = new StreamReader(RegularFile.OpenRead(path));
        return reader.ReadToEnd();
    }
}
