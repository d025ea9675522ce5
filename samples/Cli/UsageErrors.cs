using System.CommandLine;
using System.CommandLine.Parsing;

namespace Cli;

/// <summary>What is wrong with a command line, for the person who typed it.</summary>
internal static class UsageErrors
{
    /// <summary>Lists what is wrong; empty if nothing is.</summary>
    public static IReadOnlyList<string> Of(ParseResult arguments)
    {
        var result = arguments.CommandResult;
        var command = Path(result);
        if (result.Command is RootCommand && arguments.UnmatchedTokens is [var unknown, ..])
        {
            return unknown.StartsWith('-')
                ? [NoOption(unknown, command, result)]
                : [$"There is no command '{unknown}'.{Spelling.Suggestion(unknown, result.Command.Subcommands.Select(each => each.Name))} "
                    + "'resnet --help' lists them."];
        }

        var mistyped = arguments.UnmatchedTokens.Where(token => token.StartsWith('-')).Concat(TakenForValues(arguments)).ToArray();
        if (mistyped.Length > 0)
        {
            return [.. mistyped.Select(token => NoOption(token, command, result))]; // all else may follow from it
        }

        return [.. arguments.UnmatchedTokens.Select(token => $"'{token}' is one argument more than '{command}' takes."),
            .. arguments.Errors.Select(error => Message(error, command))
                .Where(message => !arguments.UnmatchedTokens.Any(token => message.Contains(token, StringComparison.Ordinal)))];
    }

    private static string Message(ParseError error, string command) => error.SymbolResult switch
    {
        ArgumentResult { Tokens: [], Parent: CommandResult, Argument: { Description: var description, Name: var name } } =>
            $"'{command}' needs {name.ToUpperInvariant()}: {description} '{command} --help' tells more.",
        OptionResult { Tokens: [], Option: { Required: true, Description: var description, Name: var name } } =>
            $"'{command}' needs {name}: {description}",
        OptionResult { Tokens: [], Option.Name: var name } => $"{name} needs a value.",
        _ => error.Message.ReplaceLineEndings(" ").Trim(),
    };

    // An argument takes whatever stands there, and so also an option with a letter too many; after -- all are meant so.
    private static IEnumerable<string> TakenForValues(ParseResult arguments) =>
        arguments.Tokens.Any(token => token.Type == TokenType.DoubleDash)
            ? []
            : arguments.CommandResult.Children.OfType<ArgumentResult>().SelectMany(each => each.Tokens).Select(token => token.Value)
                .Where(value => value.Length > 1 && value[0] == '-' && !File.Exists(value));

    private static string NoOption(string token, string command, CommandResult result)
    {
        var name = token.Split('=', ':')[0];
        var names = Options(result).SelectMany(option => option.Aliases.Prepend(option.Name))
            .Where(each => each.StartsWith("--", StringComparison.Ordinal));
        return $"'{command}' has no option '{name}'.{Spelling.Suggestion(name, names)} '{command} --help' lists them.";
    }

    private static IEnumerable<Option> Options(CommandResult result) => result.Command.Options
        .Concat((result.Parent as CommandResult)?.Command.Options.Where(option => option.Recursive) ?? []);

    private static string Path(CommandResult result) => result.Command is RootCommand ? "resnet" : $"resnet {result.Command.Name}";
}
