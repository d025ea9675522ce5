using System.Collections.Immutable;
using Spectre.Console;

namespace Benchmarks.Report;

/// <summary>A table of text; the first column is on the left, the others on the right.</summary>
internal sealed record Table(string Title, ImmutableArray<string> Headers, ImmutableArray<ImmutableArray<string>> Rows) : IPart
{
    public void Print()
    {
        var table = new Spectre.Console.Table().Border(TableBorder.Simple).Title(Markup.Escape(Title));
        foreach (var (index, header) in Headers.Index())
        {
            table.AddColumn(new TableColumn(Markup.Escape(header)) { Alignment = index == 0 ? Justify.Left : Justify.Right });
        }

        foreach (var row in Rows)
        {
            table.AddRow([.. row.Select(Markup.Escape)]);
        }

        if (Console.IsOutputRedirected)
        {
            AnsiConsole.Profile.Width = 220; // a file has no edge
        }

        AnsiConsole.Write(table);
    }

    public string ToMarkdown() => string.Join('\n',
        [
            $"**{Title}**", "", Line(Headers), Line(Headers.Select((_, index) => index == 0 ? "---" : "---:")),
            .. Rows.Select(row => Line(row)),
        ]);

    private static string Line(IEnumerable<string> cells) => $"| {string.Join(" | ", cells)} |";
}
