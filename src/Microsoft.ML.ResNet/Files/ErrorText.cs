using System.Text;

namespace Microsoft.ML.ResNet.Files;

/// <summary>Makes parts of error messages of what a file holds: its texts may be of any length and of any characters.</summary>
internal static class ErrorText
{
    private const int LongestQuote = 80;

    /// <summary>A text of the file in quotes: of bounded length, and without characters that would garble a log.</summary>
    public static string Quote(string text)
    {
        var quoted = new StringBuilder("'");
        foreach (var character in text.AsSpan(0, Math.Min(text.Length, LongestQuote)))
        {
            quoted.Append(char.IsControl(character) || char.IsSurrogate(character) ? '?' : character);
        }

        return quoted.Append(text.Length > LongestQuote ? "…'" : "'").ToString();
    }

    /// <summary>A tensor's shape.</summary>
    public static string Shape(IEnumerable<int> shape) => $"[{string.Join(", ", shape)}]";

    /// <inheritdoc cref="Shape(IEnumerable{int})"/>
    public static string Shape(IEnumerable<long> shape) => $"[{string.Join(", ", shape)}]";
}
