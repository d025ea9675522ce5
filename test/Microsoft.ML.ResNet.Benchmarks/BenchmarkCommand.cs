using System.CommandLine;
using System.Diagnostics;
using Benchmarks.Data;
using Benchmarks.Report;
using Benchmarks.Runs;

namespace Benchmarks;

/// <summary>A command that runs some of the measurements and writes their sections.</summary>
internal static class BenchmarkCommand
{
    public static Command Create(string name, string description, params IRun[] runs)
    {
        var data = new Option<string?>("--data")
        {
            Description = "Folder of small images, one sub-folder per class, such as CIFAR-10. [default: drawn ones]",
            HelpName = "folder",
        };
        var photos = new Option<string?>("--photos")
        {
            Description = "Folder of photographs, one sub-folder per class. [default: drawn ones]",
            HelpName = "folder",
        };
        var repeats = new Option<int>("--repeats")
        {
            Description = "How often each is measured; the median counts. [default: 3, or 1 with --quick]",
        };
        var quick = new Option<bool>("--quick") { Description = "All of it in a few minutes, coarsely." };
        var million = new Option<bool>("--million")
        {
            Description = "Also list, train on and stream a million images, which are made for it.",
        };
        var only = new Option<string?>("--only")
        {
            Description = "Only the rows whose name contains this; nothing is written.",
            HelpName = "text",
        };
        var command = new Command(name, description) { data, photos, repeats, quick, million, only };
        command.SetAction(arguments =>
        {
            using var images = new BenchmarkImages(arguments.GetValue(data), arguments.GetValue(photos), arguments.GetValue(quick));
            var settings = new Settings
            {
                Images = images,
                Quick = arguments.GetValue(quick),
                Repeats = arguments.GetValue(repeats) is > 0 and var asked ? asked : arguments.GetValue(quick) ? 1 : 3,
                Million = arguments.GetValue(million),
                Only = arguments.GetValue(only),
            };
            foreach (var run in runs)
            {
                var clock = Stopwatch.StartNew();
                var section = run.Measure(settings);
                section.Print();
                Output.Say($"{run.Name}: {clock.Elapsed.TotalMinutes:f1} minutes");
                if (settings.Only is null)
                {
                    BenchmarkPage.Replace(run.Name, section with { Duration = clock.Elapsed, Settings = settings.ToString() });
                }
            }
        });
        return command;
    }
}
