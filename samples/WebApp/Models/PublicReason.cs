using System.Text.RegularExpressions;

namespace WebApp.Models;

/// <summary>What clients are told of an error: its first line, and of a path the last part. The rest is in the log.</summary>
internal static partial class PublicReason
{
    public static string Of(Exception exception)
    {
        var line = exception.Message.AsSpan().Trim();
        var end = line.IndexOfAny('\r', '\n');
        return FoldersInQuotes.Replace(Folders.Replace((end < 0 ? line : line[..end]).ToString(), ""), "'$1'");
    }

    // A path that begins at the root, up to its last part.
    [GeneratedRegex("""(?<![\w.:/\\'])(?:[A-Za-z]:)?[\\/](?:[^\\/'"\s]+[\\/])*(?=[^\\/'"\s])""")]
    private static partial Regex Folders { get; }

    // In quotes it may have spaces.
    [GeneratedRegex("""'(?:[A-Za-z]:)?[\\/](?:[^']*[\\/])?([^'\\/]*)'""")]
    private static partial Regex FoldersInQuotes { get; }
}
