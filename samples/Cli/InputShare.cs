using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Microsoft.ML.ResNet.Trainers;

namespace Cli;

/// <summary>
/// Which share of a command's images it reads, where several machines share them: <c>--shard 3/16</c>. The images are sorted and cut into
/// runs of equal length, so that results, joined in the order of the shares, are those of one machine.
/// </summary>
internal sealed class InputShare
{
    private readonly Option<(int Index, int Count)?> _share = new("--shard")
    {
        Description = "Read only one share of the images, sorted by path: its index, counted from 0, and how many shares there are, "
            + "such as 3/16. Results joined in the order of the indices are those of one run.",
        HelpName = "index/count",
        CustomParser = Parse,
    };

    public void AddTo(Command command) => command.Add(_share);

    /// <summary>Tells whether the results are to be joined to those of the shares before.</summary>
    public bool Follows(ParseResult arguments) => arguments.GetValue(_share) is { Index: > 0 };

    /// <summary>Takes this share of the images; all, as they are, where nothing is shared, or is by <c>mpirun</c>.</summary>
    /// <exception cref="ArgumentException">One of the images is standard input, which each machine has its own of.</exception>
    public string[] Of(ParseResult arguments, string[] paths)
    {
        if (arguments.GetValue(_share) is not var (index, count))
        {
            return DistributedJob.Size == 1 || !paths.Contains(ImageInputs.StandardInput) ? paths : throw new ArgumentException(
                $"An image on standard input (-) reaches rank 0 alone of the {DistributedJob.Size} processes: name files, or start one "
                + "process.");
        }

        UsageException.ThrowIf(DistributedJob.Size > 1,
            $"--shard is for processes that do not know of each other, but the {DistributedJob.Size} of this job share the images out by "
            + "themselves, and rank 0 joins the results: leave out --shard.");

        if (paths.Contains(ImageInputs.StandardInput))
        {
            throw new ArgumentException("An image on standard input (-) cannot be shared out: leave out --shard, or name files.");
        }

        Array.Sort(paths, StringComparer.Ordinal);
        return paths[Start(index)..Start(index + 1)];

        int Start(int share) => (int)((long)paths.Length * share / count);
    }

    private static (int Index, int Count)? Parse(ArgumentResult result)
    {
        if (result.Tokens[^1].Value.Split('/') is [var first, var second]
            && int.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out var index)
            && int.TryParse(second, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            && index < count)
        {
            return (index, count);
        }

        OptionValues.Refuse(result, "an index, counted from 0, and how many shares there are, such as 0/16 to 15/16");
        return null;
    }
}
