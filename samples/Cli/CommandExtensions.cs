using System.CommandLine;

namespace Cli;

/// <summary>How every command runs, and what its options accept.</summary>
internal static class CommandExtensions
{
    /// <summary>Sets what the command does. It runs on another thread: System.CommandLine listens for Ctrl+C only once this one is back.</summary>
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

    /// <summary>Refuses numbers below 1.</summary>
    public static Option<T> AtLeastOne<T>(this Option<T> option)
    {
        option.Validators.Add(result =>
        {
            if (!result.Implicit && result.GetValueOrDefault<T>() is int and < 1)
            {
                result.AddError($"{option.Name} must be at least 1.");
            }
        });
        return option;
    }
}
