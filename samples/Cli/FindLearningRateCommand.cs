using System.CommandLine;
using System.Globalization;

namespace Cli;

/// <summary><c>find-lr</c>: a learning rate for a network and images.</summary>
internal static class FindLearningRateCommand
{
    private const int Shown = 20; // lines of the table; JSON has all

    public static Command Create()
    {
        var options = new TrainingOptions(takesRate: false);
        var data = new Argument<string>("data") { Description = "Folder of images, one sub-folder per class, or shards." };
        var steps = OptionValues.Whole("--steps", "Steps to take. More of them smooth better.", least: 10, byDefault: 100);
        var command = new Command("find-lr",
            "Searches for a learning rate: trains for some steps at an ever higher one and watches the loss. Nothing is saved. Give "
            + "'train' the same options. Needs libtorch.")
        {
            data, steps,
        };
        options.AddTo(command);
        return command.Runs((arguments, terminal, cancellation) =>
        {
            var settings = options.Read(arguments, options.Initial(arguments, terminal, cancellation)?.Weights);
            var training = new Training(settings, terminal, cancellation);
            var images = LabeledImages.From(arguments.GetValue(data)!, settings.Shards, terminal, cancellation);
            training.ReadImages(images, validation: null, test: null);
            LibTorch.Load();
            var search = training.FindLearningRate(arguments.GetValue(steps));
            var result = new { suggested = search.Suggested, rates = search.Rates, losses = search.Losses };
            terminal.Write(result, found =>
            {
                var every = Math.Max(1, (found.rates.Length + Shown - 1) / Shown);
                terminal.WriteTable(["learning rate", "loss"], Enumerable.Range(0, found.rates.Length).Where(i => i % every == 0)
                    .Select(i => new[] { Rate(found.rates[i]), found.losses[i].ToString("f3", CultureInfo.InvariantCulture) }));
                terminal.WriteLine($"suggested: --learning-rate {Rate(found.suggested)}");
            });
            return ExitCode.Success;
        });
    }

    // Two digits, in the form that --learning-rate is usually given in.
    private static string Rate(double rate)
    {
        var rounded = decimal.Parse(rate.ToString("e1", CultureInfo.InvariantCulture), NumberStyles.Float, CultureInfo.InvariantCulture);
        return rounded.ToString("0.##########", CultureInfo.InvariantCulture);
    }
}
