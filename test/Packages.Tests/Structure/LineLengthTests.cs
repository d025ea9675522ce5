using System.Globalization;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Packages.Tests.Structure;

public sealed class LineLengthTests
{
    // What is still longer, mostly in Onnx, Images and Scoring. It may only become less.
    private const int StillLonger = 54;

    [Fact]
    public void NoMoreLinesOfTheLibrariesAreLongerThanEditorConfigSays()
    {
        var longest = ReadLongest();
        var longer = SourceFiles.All
            .Select(path => (Path: path, Lines: File.ReadLines(path).Index().Where(line => line.Item.Length > longest).ToArray()))
            .Where(file => file.Lines.Length > 0)
            .Select(file => $"{Path.GetRelativePath(Repository.Root, file.Path)}: {string.Join(", ", file.Lines.Select(line => line.Index + 1))}")
            .ToArray();

        var count = longer.Sum(file => file.Split(", ").Length);
        Assert.True(count <= StillLonger, $"{count} lines are longer than {longest} columns, more than {StillLonger}:\n{string.Join('\n', longer)}");
    }

    private static int ReadLongest()
    {
        const string setting = "max_line_length = ";
        var line = File.ReadLines(Path.Combine(Repository.Root, ".editorconfig"))
            .Single(line => line.StartsWith(setting, StringComparison.Ordinal));
        return int.Parse(line[setting.Length..], CultureInfo.InvariantCulture);
    }
}
