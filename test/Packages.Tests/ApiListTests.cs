using System.Text.RegularExpressions;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Trainers;

namespace Microsoft.ML.ResNet.Packages.Tests;

public sealed partial class ApiListTests
{
    [Fact]
    public void EveryPublicTypeIsListedOnceByTask()
    {
        var listed = Row().Matches(File.ReadAllText(Path.Combine(Repository.Root, "docs", "API.md")))
            .Select(match => match.Groups[1].Value);
        var exported = typeof(ResNetArchitecture).Assembly.GetExportedTypes()
            .Concat(typeof(ResNetTrainer).Assembly.GetExportedTypes())
            .Select(Name);

        Assert.Equal(exported.Order(StringComparer.Ordinal), listed.Order(StringComparer.Ordinal));
    }

    private static string Name(Type type) => type.DeclaringType is { } outer ? $"{Name(outer)}.{type.Name}" : type.Name;

    [GeneratedRegex(@"^\| `([^`]+)` \|", RegexOptions.Multiline)]
    private static partial Regex Row();
}
