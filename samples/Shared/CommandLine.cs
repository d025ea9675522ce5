using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Samples;

/// <summary>Command lines: what is wrong with one is told in the option's words, before anything is done.</summary>
internal static class CommandLine
{
    private const int Misused = 2;

    /// <summary>Makes an option that takes a whole number.</summary>
    /// <param name="name">The option.</param>
    /// <param name="description">What it is for.</param>
    /// <param name="byDefault">Its value where it is not given.</param>
    /// <param name="least">The least value that it takes.</param>
    public static Option<int> Whole(string name, string description, int byDefault, int least = 1) => new(name)
    {
        Description = description,
        DefaultValueFactory = _ => byDefault,
        CustomParser = result => Parse(result, name, least),
    };

    /// <summary>Makes an option that takes a whole number, at least 1, and is null where it is not given.</summary>
    /// <param name="name">The option.</param>
    /// <param name="description">What it is for.</param>
    public static Option<int?> Whole(string name, string description) => new(name)
    {
        Description = description,
        CustomParser = result => Parse(result, name, least: 1),
    };

    /// <summary>Runs a command. Where its options cannot be read, each error is a line on standard error, and the exit code is 2.</summary>
    public static async Task<int> Invoke(RootCommand command, string[] args, InvocationConfiguration? configuration = null)
    {
        var parsed = command.Parse(args);
        if (parsed.Action is not ParseErrorAction)
        {
            return await parsed.InvokeAsync(configuration);
        }

        foreach (var error in parsed.Errors)
        {
            Console.Error.WriteLine(error.Message);
        }

        Console.Error.WriteLine("--help lists the options.");
        return Misused;
    }

    private static int Parse(ArgumentResult result, string name, int least)
    {
        var text = result.Tokens[^1].Value;
        if (!int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) || value < least)
        {
            result.AddError($"{name} is '{text}', but must be a whole number, at least {least}.");
        }

        return value;
    }
}
