using System.Collections.Immutable;

namespace Benchmarks.Report;

/// <summary>What a command found: a heading, and tables and pictures below it.</summary>
internal sealed record Section(string Title, ImmutableArray<IPart> Parts)
{
    public TimeSpan Duration { get; init; }

    public string Settings { get; init; } = "";

    public void Print()
    {
        foreach (var part in Parts)
        {
            part.Print();
        }
    }

    public string ToMarkdown() => string.Create(Output.Culture,
        $"## {Title}\n\nMeasured {DateTime.UtcNow:yyyy-MM-dd HH:mm} UTC in {Duration.TotalMinutes:f0} "
            + $"minutes; {Settings}.\n\n{string.Join("\n\n", Parts.Select(part => part.ToMarkdown()))}\n");
}

/// <summary>A part of a section.</summary>
internal interface IPart
{
    void Print();

    string ToMarkdown();
}

/// <summary>A paragraph.</summary>
internal sealed record Paragraph(string Text) : IPart
{
    public void Print() => Output.Say(Text);

    public string ToMarkdown() => Text;
}

/// <summary>A picture beside the page.</summary>
/// <param name="Caption">What it shows.</param>
/// <param name="Path">Its path below docs/.</param>
internal sealed record Picture(string Caption, string Path) : IPart
{
    public void Print() => Output.Say($"docs/{Path}: {Caption}");

    public string ToMarkdown() => $"![{Caption}]({Path})";
}
