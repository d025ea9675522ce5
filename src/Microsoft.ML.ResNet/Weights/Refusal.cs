using System.Text;

namespace Microsoft.ML.ResNet.Weights;

/// <summary>The wording of what is said about a file that is not read; the readers say what they found, <see cref="WeightsFile"/> names the file.</summary>
internal static class Refusal
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

    public static string Shape(IEnumerable<int> shape) => $"[{string.Join(", ", shape)}]";

    public static string Shape(IEnumerable<long> shape) => $"[{string.Join(", ", shape)}]";
}
