using System.Text.RegularExpressions;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Packages.Tests.Pages;

/// <summary>
/// What a page tells its reader to do, each step a script of bash: commands as they stand there, or a file, which has its name in a line of
/// its own before it.
/// </summary>
internal static partial class PageSteps
{
    private const string EndOfFile = "END-OF-FILE";

    /// <summary>Reads a page.</summary>
    /// <param name="page">Its path from the repository's root.</param>
    public static string[] Read(string page)
    {
        var text = File.ReadAllText(Path.Combine(Repository.Root, page)).ReplaceLineEndings("\n");
        return [.. StepPattern().Matches(text).Select(ToScript).Where(script => script.Length > 0)];
    }

    private static string ToScript(Match step)
    {
        var (file, language, code) = (step.Groups["file"].Value, step.Groups["language"].Value, step.Groups["code"].Value);
        return language switch
        {
            "bash" => code,
            _ when file.Length > 0 => $"cat > '{file}' <<'{EndOfFile}'\n{code}{EndOfFile}\n",
            _ => "",
        };
    }

    // A block of code and the name of its file: "`Train/Program.cs`:", perhaps a comment, and the block.
    [GeneratedRegex(
        @"(^`(?<file>[\w./]+)`:\n\n)?(^<!--[^\n]*-->\n)?^```(?<language>\w+)\n(?<code>.*?)^```$",
        RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex StepPattern();
}
