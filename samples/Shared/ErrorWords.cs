using System.Reflection;

namespace Samples;

/// <summary>What an exception tells a person who typed a command: its words and those of its causes, without what only programmers
/// know.</summary>
internal static class ErrorWords
{
    // ML.NET's words where one of its threads failed; the cause is inside.
    private static readonly string[] ThreadFailed =
    [
        "Splitter/consolidator worker encountered exception",
        "Shuffle input cursor reader failed with an exception",
        "Event we were waiting on was subject to an exception",
    ];

    /// <summary>Gets the words, in one line.</summary>
    public static string Of(Exception exception)
    {
        while (exception.InnerException is { } inner && IsWrapper(exception))
        {
            exception = inner;
        }

        var words = Words(exception);
        for (var cause = exception.InnerException; cause is not null; cause = cause.InnerException)
        {
            var reason = Words(cause);
            words = IsWrapper(cause) || words.Contains(reason.TrimEnd('.'), StringComparison.Ordinal) ? words : $"{words} {reason}";
        }

        return words;
    }

    private static bool IsWrapper(Exception exception) =>
        exception is AggregateException or TargetInvocationException or TypeInitializationException
        || ThreadFailed.Any(words => exception.Message.StartsWith(words, StringComparison.Ordinal));

    // .NET ends the message with the parameter's name, and then the value, which ours say in their own words.
    private static string Words(Exception exception)
    {
        var message = exception.Message;
        if (exception is ArgumentException { ParamName: { } parameter }
            && message.IndexOf($" (Parameter '{parameter}')", StringComparison.Ordinal) is >= 0 and var end)
        {
            message = message[..end];
        }

        return OneLine(message);
    }

    // Lists, whose items begin with a dash, become a row of them.
    private static string OneLine(string message)
    {
        const string dash = "- ";
        var lines = message.ReplaceLineEndings("\n").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var line = "";
        foreach (var next in lines)
        {
            var isItem = next.StartsWith(dash, StringComparison.Ordinal);
            var between = line.Length == 0 ? "" : line[^1] is '.' or ':' ? " " : isItem ? "; " : ". ";
            line += between + (isItem ? next[dash.Length..] : next);
        }

        return line;
    }
}
