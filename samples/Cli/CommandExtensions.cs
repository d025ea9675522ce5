using System.CommandLine;

namespace Cli;

/// <summary>How every command runs, and what its options accept.</summary>
internal static class CommandExtensions
{
    /// <summary>
    /// Sets what the command does. It runs on another thread: System.CommandLine listens for Ctrl+C only once this one is back.
    /// </summary>
    public static Command Runs(this Command command, Func<ParseResult, Terminal, CancellationToken, int> action)
    {
        command.SetAction((arguments, cancellation) =>
        {
            var terminal = new Terminal(arguments.GetValue(Terminal.Json));
            return Task.Run(() => ExitCode.Of(terminal, () => action(arguments, terminal, cancellation)), CancellationToken.None);
        });
        return command;
    }

    /// <summary>Refuses the name of a file that is empty, as that of a variable of a script that was never set.</summary>
    public static Option<T> Named<T>(this Option<T> option)
    {
        option.Validators.Add(result =>
        {
            if (!result.Implicit && result.GetValueOrDefault<T>() is string { Length: 0 })
            {
                var names = string.Join(" or ", option.Aliases.Prepend(option.Name));
                result.AddError($"{names} is empty, but needs the name of a {option.HelpName}.");
            }
        });
        return option;
    }

    /// <summary>Refuses the name of a file with another ending: it says what is written.</summary>
    public static Option<string> EndsIn(this Option<string> option, params string[] endings)
    {
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string>() is { Length: > 0 } path
                && !endings.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase))
            {
                result.AddError($"{option.Name} is '{path}', but must end in {Spelling.OneOf(endings)}, which says what is written.");
            }
        });
        return option;
    }
}
