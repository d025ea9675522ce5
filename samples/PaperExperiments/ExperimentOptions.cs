using System.CommandLine;

namespace PaperExperiments;

/// <summary>What every command that trains is told.</summary>
internal sealed class ExperimentOptions
{
    private readonly Option<string?> _data = new("--data")
    {
        Description = "CIFAR-10: its archive, its unpacked files, or a folder with train/CLASS and test/CLASS images. "
            + "[default: the archive, downloaded once]",
    };
    private readonly Option<Budget> _budget = new("--budget")
    {
        Description = "quick: under 40 minutes on two cores. paper: 64,000 steps per network.",
        DefaultValueFactory = _ => Budget.Quick,
    };
    private readonly Option<long?> _steps = new("--steps")
    {
        Description = "The steps that each network is trained, instead of the budget's or the recipe's.",
    };
    private readonly Option<string> _output = new("--output")
    {
        Description =
            "Where networks, checkpoints and results are kept. Started again with the same folder, a command goes on where it was.",
        DefaultValueFactory = _ => "paper-experiments",
    };
    private readonly Option<int> _seed = new("--seed") { Description = "The seed of all randomness.", DefaultValueFactory = _ => 1 };

    /// <summary>Adds all options but the budget, which a recipe has itself.</summary>
    public void AddTo(Command command)
    {
        command.Add(_data);
        command.Add(_steps);
        command.Add(_output);
        command.Add(_seed);
    }

    /// <summary>Makes a command whose action gets what was asked for.</summary>
    public static Command Command(string name, string description, Action<Laboratory> run)
    {
        var (command, options) = (new Command(name, description), new ExperimentOptions());
        options.AddTo(command);
        command.Add(options._budget);
        command.SetAction((arguments, cancellation) => Task.Run(() => ExitCode.Of(() =>
        {
            run(options.Open(arguments, cancellation));
            return ExitCode.Success;
        })));
        return command;
    }

    public Laboratory Open(ParseResult arguments, CancellationToken cancellation) =>
        new(arguments.GetValue(_data), arguments.GetValue(_budget), arguments.GetValue(_steps), arguments.GetValue(_output)!,
            arguments.GetValue(_seed), cancellation);
}
