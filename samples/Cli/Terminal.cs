using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.ML.ResNet.Trainers;
using Spectre.Console;

namespace Cli;

/// <summary>
/// Results go to standard output: tables on a terminal, tab-separated lines elsewhere, or JSON. All else goes to standard
/// error, so that a pipe carries nothing but results.
/// </summary>
internal sealed class Terminal(bool json)
{
    public static readonly Option<bool> Json = new("--json")
    {
        Description = "Write results as one JSON document, and nothing else to standard output.",
        Recursive = true,
    };

    private static readonly JsonSerializerOptions JsonOptions = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        DefaultIgnoreCondition = JsonIgnoreCondition.Never,
    };

    private readonly IAnsiConsole _messages = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });

    /// <summary>Gets whether results are wanted as JSON.</summary>
    public bool WantsJson { get; } = json;

    /// <summary>Gets the columns that results may take; null where they go to a file or a program.</summary>
    public static int? Width => Console.IsOutputRedirected || DistributedJob.Size > 1 ? null : AnsiConsole.Profile.Width;

    private bool IsInteractive => !Console.IsErrorRedirected && _messages.Profile.Capabilities.Interactive;

    /// <summary>Tells the user something that is no result, and that every process of a job would say: rank 0 says it. It stays above a
    /// bar.</summary>
    public void Say(string line)
    {
        if (DistributedJob.Rank == 0)
        {
            SayFailure(line);
        }
    }

    /// <summary>Tells the user what failed in this process of a job.</summary>
    public void SayFailure(string line)
    {
        if (IsInteractive)
        {
            _messages.Write(new Text(line + Environment.NewLine));
        }
        else
        {
            Console.Error.WriteLine(line);
        }
    }

    /// <summary>Writes a result as JSON where that is wanted, and as text otherwise.</summary>
    public void Write<T>(T result, Action<T> writeText)
    {
        if (WantsJson)
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(result, JsonOptions));
        }
        else
        {
            writeText(result);
        }
    }

    /// <summary>Writes a line of results.</summary>
    public void WriteLine(string line) => Console.Out.WriteLine(line);

    /// <summary>Writes lines of results.</summary>
    public void WriteText(string lines) => Console.Out.Write(lines);

    /// <summary>Writes a table.</summary>
    public void WriteTable(string[] headers, IEnumerable<string[]> rows, bool follows = false)
    {
        if (Width is null)
        {
            foreach (var row in follows ? rows : rows.Prepend(headers))
            {
                Console.Out.WriteLine(string.Join('\t', row));
            }

            return;
        }

        var table = new Table().Border(TableBorder.Simple);
        table.AddColumns([.. headers.Select(Markup.Escape)]);
        foreach (var row in rows)
        {
            table.AddRow([.. row.Select(Markup.Escape)]);
        }

        AnsiConsole.Write(table);
    }

    /// <summary>Shows a bar while something runs, if there is a terminal to show it on.</summary>
    /// <param name="description">What runs.</param>
    /// <param name="run">Is given the bar; null without a terminal.</param>
    public T Track<T>(string description, Func<ProgressTask?, T> run) => !IsInteractive
        ? run(null)
        : _messages.Progress()
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(),
                new PercentageColumn(), new RemainingTimeColumn())
            .Start(bar => run(bar.AddTask(Markup.Escape(description))));
}
