using System.Collections.Immutable;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Packages.Tests.Structure;

/// <summary>Each folder of the libraries uses those below it only, in the order of docs/architecture.md: there is no circle.</summary>
public sealed class FolderDirectionTests
{
    private static readonly ImmutableArray<string> GroundFirst = ["Ground", "Middle", "Middle/Attic", "."];

    [Theory]
    [InlineData("src/Microsoft.ML.ResNet", "Microsoft.ML.ResNet")]
    [InlineData("src/Trainers", "Microsoft.ML.ResNet.Trainers")]
    public void EachFolderUsesThoseBelowItOnly(string root, string assembly)
    {
        var sources = SourceFolders.Read(assembly, Path.Combine(Repository.Root, root));
        var order = ReadOrder(root);

        Assert.Empty(sources.Errors);
        Assert.Equal(sources.Names.Order(StringComparer.Ordinal), order.Order(StringComparer.Ordinal));
        var upward = sources.Upward(order);
        Assert.True(upward.IsEmpty, $"In {root} folders use others that docs/architecture.md has above them:\n{Describe(upward)}");
    }

    [Fact]
    public void DownwardIsRight()
    {
        var sources = SourceFolders.Of(
            ("Ground/Stone.cs", "namespace N; class Stone { public static Stone Make() => new(); }"),
            ("Middle/Wall.cs", "namespace N; class Wall(Stone stone) { public Stone Stone => stone; }"),
            ("House.cs", "namespace N; class House { Wall _wall = new(Stone.Make()); object Get() => _wall.Stone; }"));

        Assert.Empty(sources.Errors);
        Assert.Equal([".", "Ground", "Middle"], sources.Names.Order(StringComparer.Ordinal));
        Assert.Equal(3, sources.Uses().Select(use => (use.From, use.To)).Distinct().Count());
        Assert.Empty(sources.Upward(GroundFirst));
    }

    /// <summary>Two folders that use each other: whatever their order, one use goes upward.</summary>
    [Fact]
    public void CircleIsFound()
    {
        var sources = SourceFolders.Of(
            ("Ground/Stone.cs", "namespace N;\nclass Stone\n{\n    public int Size = Wall.Width;\n}"),
            ("Middle/Wall.cs", "namespace N; class Wall { public const int Width = 3; Stone _stone = new(); }"));

        Assert.Empty(sources.Errors);
        Assert.Equal(
            ["Ground/Stone.cs:4 uses Wall of Middle", "Ground/Stone.cs:4 uses Wall.Width of Middle"],
            sources.Upward(["Ground", "Middle"]).Select(use => use.ToString()));
        Assert.NotEmpty(sources.Upward(["Middle", "Ground"]));
    }

    /// <summary>Whatever the syntax is that goes upward.</summary>
    [Theory]
    [InlineData("class Stone { Wall? _wall; }", "Wall")]
    [InlineData("class Stone : Wall;", "Wall")]
    [InlineData("class Stone { object? Get(List<Wall> walls) => null; }", "Wall")]
    [InlineData("class Stone { bool Is(object it) => it is Wall; }", "Wall")]
    [InlineData("class Stone { string Get() => nameof(Wall); }", "Wall")]
    [InlineData("[Paint] class Stone;", "PaintAttribute")]
    [InlineData("class Stone { int Get() => 3.Doubled(); }", "Yard.Doubled")]
    [InlineData("class Stone { void Make() => Yard.Paint(new()); }", "Wall Yard Yard.Paint")]
    [InlineData("class Stone { object Get() => Yard.Wall[0]; }", "Wall.this[] Yard Yard.Wall")]
    [InlineData("class Stone { object Get() => Yard.Wall + Yard.Wall; }", "Wall.op_Addition Yard Yard.Wall")]
    [InlineData("class Stone { int Get() => Yard.Wall; }", "Wall.op_Implicit Yard Yard.Wall")]
    public void UpwardIsFound(string stone, string symbols)
    {
        var sources = SourceFolders.Of(
            ("Ground/Stone.cs", $"namespace N; {stone}"),
            ("Middle/Attic/Wall.cs", """
                namespace N;
                class Wall
                {
                    public int this[int index] => index;
                    public static Wall operator +(Wall one, Wall other) => one;
                    public static implicit operator int(Wall wall) => 1;
                }
                static class Yard
                {
                    public static Wall Wall => new();
                    public static void Paint(Wall wall) { }
                    public static int Doubled(this int number) => 2 * number;
                }
                sealed class PaintAttribute : Attribute;
                """));

        var upward = sources.Upward(GroundFirst);
        Assert.Empty(sources.Errors);
        Assert.All(upward, use => Assert.Equal(("Ground", "Middle/Attic"), (use.From, use.To)));
        Assert.Equal(symbols.Split(' '), upward.Select(use => use.Symbol).Distinct().Order(StringComparer.Ordinal));
    }

    private static string Describe(ImmutableArray<FolderUse> uses) => string.Join('\n', uses
        .GroupBy(use => (use.From, use.To))
        .Select(group => $"{group.Key.From} -> {group.Key.To}\n  {string.Join("\n  ", group)}"));

    // The first column of the table under the heading that names the root.
    private static ImmutableArray<string> ReadOrder(string root) =>
    [
        .. File.ReadLines(Path.Combine(Repository.Root, "docs", "architecture.md"))
            .SkipWhile(line => line != $"## {root}, from the ground")
            .Skip(1)
            .TakeWhile(line => !line.StartsWith('#'))
            .Where(line => line.StartsWith('|'))
            .Skip(2) // the head, and the line below it
            .Select(line => line.Split('|')[1].Trim(' ', '`')),
    ];
}
