using System.Globalization;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Packages.Tests.Structure;

public sealed class LineLengthTests
{
    [Fact]
    public void NoLineIsLongerThanEditorConfigSays()
    {
        var longest = ReadLongest();
        var longer = SourceFiles.All.Concat(SourceFiles.Web)
            .SelectMany(path => File.ReadLines(path).Index()
                .Where(line => line.Item.Length > longest)
                .Select(line => $"{Path.GetRelativePath(Repository.Root, path)}:{line.Index + 1}"))
            .ToArray();

        Assert.True(longer.Length == 0, $"Lines longer than {longest} columns:\n{string.Join('\n', longer)}");
    }

    private static int ReadLongest()
    {
        const string setting = "max_line_length = ";
        var line = File.ReadLines(Path.Combine(Repository.Root, ".editorconfig"))
            .Single(line => line.StartsWith(setting, StringComparison.Ordinal));
        return int.Parse(line[setting.Length..], CultureInfo.InvariantCulture);
    }
}
