using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Microsoft.ML.ResNet.Trainers;

namespace Cli;

/// <summary>
/// Options whose values are checked as the command line is read: what is wrong is said in the option's words, and nothing has run.
/// </summary>
internal static class OptionValues
{
    /// <summary>Makes an option that takes a whole number; without it, the value is null.</summary>
    public static Option<int?> Whole(string name, string description, int least) => new(name)
    {
        Description = description,
        HelpName = "number",
        CustomParser = result => ParseWhole(result, least, int.MaxValue) is { } value ? (int)value : null,
    };

    /// <summary>Makes an option that takes a whole number.</summary>
    public static Option<int> Whole(string name, string description, int least, int byDefault) => new(name)
    {
        Description = description,
        HelpName = "number",
        DefaultValueFactory = _ => byDefault,
        CustomParser = result => (int)(ParseWhole(result, least, int.MaxValue) ?? byDefault),
    };

    /// <summary>Makes an option that takes a large whole number; without it, the value is null.</summary>
    public static Option<long?> Large(string name, string description, long least, long most) => new(name)
    {
        Description = description,
        HelpName = "number",
        CustomParser = result => ParseWhole(result, least, most),
    };

    /// <summary>Makes an option that takes a number above 0; without it, the value is null.</summary>
    public static Option<double?> Positive(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "number",
        CustomParser = result => ParsePositive(result, most: null),
    };

    /// <summary>Makes an option that takes a number above 0, up to another.</summary>
    public static Option<double> Positive(string name, string description, double most, double byDefault) => new(name)
    {
        Description = description,
        HelpName = "number",
        DefaultValueFactory = _ => byDefault,
        CustomParser = result => ParsePositive(result, most) ?? byDefault,
    };

    /// <summary>Makes an option that takes a share between 0 and 1; without it, the value is null.</summary>
    public static Option<double?> Share(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "share",
        CustomParser = result =>
        {
            if (double.TryParse(result.Tokens[^1].Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
                && value is > 0 and < 1)
            {
                return value;
            }

            Refuse(result, "a number greater than 0 and less than 1");
            return null;
        },
    };

    /// <summary>Makes an option that takes one of some names, whatever their case.</summary>
    public static Option<T> Choice<T>(string name, string description, T byDefault)
        where T : struct, Enum
    {
        var option = new Option<T>(name)
        {
            Description = description,
            HelpName = string.Join('|', Enum.GetNames<T>()),
            DefaultValueFactory = _ => byDefault,
            CustomParser = result => ParseChoice<T>(result) ?? byDefault,
        };
        option.CompletionSources.Add(Enum.GetNames<T>());
        return option;
    }

    /// <summary>Says in an option's words what it must be.</summary>
    public static void Refuse(ArgumentResult result, string range) =>
        result.AddError($"{NameOf(result)} is '{result.Tokens[^1].Value}', but must be {range}.");

    /// <summary>Reads a whole number of any sign.</summary>
    public static int ParseInteger(ArgumentResult result)
    {
        if (!int.TryParse(result.Tokens[^1].Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value))
        {
            Refuse(result, $"a whole number from {int.MinValue} to {int.MaxValue}");
        }

        return value;
    }

    /// <summary>Reads the name of a device.</summary>
    public static TrainingDevice ParseDevice(ArgumentResult result)
    {
        if (!TrainingDevice.TryParse(result.Tokens[^1].Value, out var device))
        {
            Refuse(result, "auto, cpu, cuda, cuda:N with N the number of a GPU counted from 0, or mps");
        }

        return device;
    }

    private static string NameOf(ArgumentResult result) => result.Parent is OptionResult { Option.Name: var name } ? name
        : result.Argument.Name;

    private static long? ParseWhole(ArgumentResult result, long least, long most)
    {
        if (long.TryParse(result.Tokens[^1].Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
            && value >= least && value <= most)
        {
            return value;
        }

        Refuse(result, most == int.MaxValue ? $"a whole number, at least {least}" : $"a whole number from {least} to {most}");
        return null;
    }

    private static double? ParsePositive(ArgumentResult result, double? most)
    {
        if (double.TryParse(result.Tokens[^1].Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
            && value > 0 && double.IsFinite(value) && !(value > most))
        {
            return value;
        }

        Refuse(result, most is null ? "a number greater than 0"
            : string.Create(CultureInfo.InvariantCulture, $"a number greater than 0, and at most {most}"));
        return null;
    }

    /// <summary>Reads one of some names, whatever their case; null, and an error, for others.</summary>
    public static T? ParseChoice<T>(ArgumentResult result)
        where T : struct, Enum
    {
        var (text, names) = (result.Tokens[^1].Value, Enum.GetNames<T>());
        if (names.FirstOrDefault(name => name.Equals(text, StringComparison.OrdinalIgnoreCase)) is { } found)
        {
            return Enum.Parse<T>(found);
        }

        result.AddError($"{NameOf(result)} is '{text}', but must be {Spelling.OneOf(names)}.{Spelling.Suggestion(text, names)}");
        return null;
    }
}
