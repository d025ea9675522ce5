using System.CommandLine;
using Spectre.Console;

namespace PaperExperiments;

/// <summary>
/// <c>verify</c>: sets every network of the library that the paper has beside what the paper prints about it. Trains nothing.
/// </summary>
internal static class VerifyCommand
{
    public static Command Create()
    {
        var command = new Command("verify", "Compares layers, shapes, parameters and multiply-adds with the paper's. Trains nothing.");
        command.SetAction(_ => ExitCode.Of(Run));
        return command;
    }

    private static int Run()
    {
        Figure[] figures =
        [
            .. Compare("Table 1: ImageNet, 224×224 pixels", PaperTables.ImageNet),
            .. Compare("Section 4.2 and table 6: CIFAR-10, 32×32 pixels", PaperTables.Cifar10),
        ];
        var published = figures.Count(figure => figure.Published is not null);
        var different = figures.Count(figure => !figure.Agrees);
        AnsiConsole.WriteLine("A count agrees with a figure less than one unit of its last digit away:");
        AnsiConsole.WriteLine("table 1 prints 3.86·10^9 as 3.8·10^9, and 7.57·10^9 as 7.6·10^9.");
        AnsiConsole.MarkupLineInterpolated($"[bold]{published - different} of {published} figures agree with the paper.[/]");
        return different == 0 ? ExitCode.Success : ExitCode.Failure;
    }

    private static List<Figure> Compare(string title, IEnumerable<PaperNetwork> networks)
    {
        List<Figure> all = [];
        var table = new Table().Border(TableBorder.Simple);
        foreach (var header in (string[])["network", "figure", "computed", "paper", "agrees"])
        {
            table.AddColumn(new TableColumn(header).NoWrap().Padding(0, 0)); // 80 columns, where there is no terminal
        }

        foreach (var network in networks)
        {
            var figures = Verification.Of(network);
            foreach (var (row, figure) in figures.Index())
            {
                table.AddRow(
                    row == 0 ? $"[bold]{network.Architecture}[/]" : "",
                    figure.Name,
                    figure.Computed,
                    figure.Published ?? "-",
                    Answer(figure));
            }

            table.AddEmptyRow();
            all.AddRange(figures);
        }

        AnsiConsole.MarkupLineInterpolated($"[bold]{title}[/]");
        AnsiConsole.Write(table);
        return all;
    }

    private static string Answer(Figure figure) => figure switch
    {
        { Published: null } => "",
        { Agrees: true } => "[green]yes[/]",
        _ => "[red]NO[/]",
    };
}
