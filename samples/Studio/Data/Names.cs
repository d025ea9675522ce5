using System.Buffers;

namespace Studio.Data;

/// <summary>The names that classes and files may have: what every system can write, and what cannot lead out of a folder.</summary>
internal static class Names
{
    private const int Longest = 100;

    private static readonly SearchValues<char> s_forbidden = SearchValues.Create("<>:\"/\\|?*");

    private static readonly HashSet<string> s_reserved = new(StringComparer.OrdinalIgnoreCase)
    {
        "CON", "PRN", "AUX", "NUL",
        "COM1", "COM2", "COM3", "COM4", "COM5", "COM6", "COM7", "COM8", "COM9",
        "LPT1", "LPT2", "LPT3", "LPT4", "LPT5", "LPT6", "LPT7", "LPT8", "LPT9",
    };

    /// <summary>Checks the name of a class, which becomes that of a folder.</summary>
    /// <exception cref="RefusedException">It may not be one.</exception>
    public static string CheckClass(string? name)
    {
        name = name?.Trim() ?? "";
        return name.Length == 0 ? throw new RefusedException("A class needs a name.")
            : name.Length > Longest ? throw new RefusedException($"The name has {name.Length} characters; a class may have {Longest}.")
            : !IsSafe(name) ? throw new RefusedException(
                $"'{name}' cannot be the name of a class, which is that of a folder: "
                + "leave out / \\ : * ? \" < > |, a dot at either end, and what Windows keeps for itself, such as CON.")
            : ProjectLayout.Reserved.Contains(name) ? throw new RefusedException(
                $"'{name}' is a folder of the studio's own: take another name.")
            : name;
    }

    /// <summary>Makes the name of a file from that of an upload.</summary>
    public static string ForFile(string? name, string extension)
    {
        var stem = Path.GetFileNameWithoutExtension((name ?? "").Replace('\\', '/'));
        var kept = string.Concat(stem.Where(c => !char.IsControl(c) && !s_forbidden.Contains(c))).Trim(' ', '.');
        kept = kept.Length > Longest ? kept[..Longest].TrimEnd() : kept;
        return (kept.Length == 0 || !IsSafe(kept) ? "image" : kept) + extension;
    }

    /// <summary>Gets whether a name is one part of a path, on every system.</summary>
    public static bool IsSafe(string name) =>
        name.Length > 0
        && name[0] != '.'
        && name[^1] is not ('.' or ' ')
        && !name.AsSpan().ContainsAny(s_forbidden)
        && !name.Any(char.IsControl)
        && !s_reserved.Contains(Path.GetFileNameWithoutExtension(name));
}
