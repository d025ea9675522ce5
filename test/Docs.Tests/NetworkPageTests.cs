using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.ML.ResNet;

namespace Docs;

public sealed partial class NetworkPageTests
{
    private static readonly string Text = Page.Named("docs/networks.md").Text;

    public static TheoryData<string> Networks => [.. ResNetArchitecture.All.Select(network => network.Name)];

    [Theory]
    [MemberData(nameof(Networks))]
    public void ParametersAndMultiplyAddsAreRight(string name)
    {
        var architecture = ResNetArchitecture.Parse(name);
        var side = architecture.DefaultImageSize;
        var plan = LayerPlan.Create(architecture, new ImageShape(3, side, side), side == 224 ? 1000 : 10);

        // The page says that the plain networks for small images have the numbers of their counterparts.
        var isSmallPlain = architecture.Shortcut == ShortcutKind.None && side == 32;
        var row = isSmallPlain ? name.Replace("plain", "resnet", StringComparison.Ordinal) : name;
        var numbers = RowPattern().Matches(Text).Single(match => match.Groups[1].Value == row);
        Assert.Contains($"`{name}`", Text);

        Assert.Equal(plan.ParameterCount.ToString("n0", CultureInfo.InvariantCulture), numbers.Groups[2].Value);
        var divisor = numbers.Groups[4].Value == "G" ? 1e9 : 1e6;
        Assert.Equal((plan.MultiplyAdds / divisor).ToString("f2", CultureInfo.InvariantCulture), numbers.Groups[3].Value);
    }

    [GeneratedRegex(@"^\| `([a-z0-9_]+)` \| ([\d,]+) \| ([\d.]+) ([GM]) \|", RegexOptions.Multiline)]
    private static partial Regex RowPattern();
}
