using Microsoft.ML.ResNet.TestSupport;

namespace Docs;

/// <summary>The named regions of Snippets/*.cs: the code that pages show, without its indentation.</summary>
internal static class Regions
{
    private const string Start = "#region ";
    private const string End = "#endregion";

    public static Dictionary<string, string> Read()
    {
        var regions = new Dictionary<string, string>();
        foreach (var file in Directory.EnumerateFiles(Path.Combine(Repository.Root, "test", "Docs.Tests", "Snippets"), "*.cs"))
        {
            List<string>? lines = null;
            var name = "";
            foreach (var line in File.ReadLines(file))
            {
                var code = line.TrimStart();
                if (code.StartsWith(Start, StringComparison.Ordinal))
                {
                    (name, lines) = (code[Start.Length..], []);
                }
                else if (code.StartsWith(End, StringComparison.Ordinal))
                {
                    regions.Add(name, WithoutIndentation(lines!));
                    lines = null;
                }
                else
                {
                    lines?.Add(line);
                }
            }
        }

        return regions;
    }

    private static string WithoutIndentation(List<string> lines)
    {
        var indentation = lines.Where(line => line.Length > 0).Min(line => line.Length - line.TrimStart().Length);
        return string.Join('\n', lines.Select(line => line.Length > 0 ? line[indentation..] : line));
    }
}
