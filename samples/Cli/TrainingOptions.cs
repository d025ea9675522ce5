using System.CommandLine;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Trainers;
using Samples;

namespace Cli;

/// <summary>What every command that trains is told about the network, the images and the way to train.</summary>
internal sealed class TrainingOptions
{
    private const int LargestSide = 2048; // as the library bounds what a file says

    private readonly Option<ResNetArchitecture?> _architecture = NetworkOptions.ArchitectureOption(
        "The network: for small images such as resnet20, for photographs such as resnet18 or resnet50; a wrong name lists all. "
        + "[default: that of --weights, or resnet20]");
    private readonly Option<string> _recipe = RecipeNames.Option("modern");
    private readonly Option<int?> _batchSize = OptionValues.Whole("--batch-size", "Images per batch. [default: what the recipe says]",
        least: 2);

    private readonly Option<double?> _learningRate = OptionValues.Positive("--learning-rate",
        "The learning rate after warm-up; 'resnet find-lr' searches for one. [default: what the recipe says]");

    private readonly Option<int?> _imageSize = OptionValues.Whole("--image-size",
        "Height and width that images are resized to, in pixels. [default: that of --weights, or the network's own, 32 or 224]", least: 1);

    private readonly Option<string?> _weights = new("--weights")
    {
        Description = "Weights to start from: a file, or the name of published ones, which 'resnet weights' lists. [default: random ones]",
        HelpName = "file or name",
    };

    private readonly Option<string?> _pretrained = new("--pretrained")
    {
        Description = "Start from weights trained on ImageNet that are on this machine: those of a network, resnet18 where none is named. "
            + "The head is trained, at a rate that needs no tuning; with --layers more, once the head fits. [default: for photographs]",
        HelpName = "name",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<TrainableLayers> _layers = OptionValues.Choice("--layers",
        "What is trained; the rest stays as --weights or --pretrained has it. (With --pretrained, Head if not given: with a few hundred "
        + "photographs, All was right less often.)",
        TrainableLayers.All);

    private readonly Option<ClassBalance?> _balance = new("--balance")
    {
        Description = "What makes up for classes with few images: draw them more often (Sampling), or weigh them more (Weights). "
            + "[default: what the recipe says]",
    };

    private readonly Option<int?> _threads = OptionValues.Whole("--threads", "Threads to compute with. [default: one per core]", least: 1);

    private readonly Option<TrainingDevice> _device = new("--device")
    {
        Description = "The processor to train on: auto, cpu, cuda:0 or another number, or mps. For cuda, RESNET_LIBTORCH names the folder "
            + "of a libtorch for CUDA. Not run on a GPU by its authors.",
        HelpName = "device",
        DefaultValueFactory = _ => TrainingDevice.Auto,
    };

    private readonly Option<BadImageHandling> _onBadImage = OptionValues.Choice("--on-bad-image",
        "Images that cannot be read are named and left out (Skip), or nothing is trained (Fail).", BadImageHandling.Skip);

    private readonly Option<int> _seed = new("--seed")
    {
        Description = "The seed of all randomness.",
        HelpName = "number",
        DefaultValueFactory = _ => 1,
    };

    private readonly bool _takesRate;

    /// <param name="takesRate">Whether the learning rate is an option, and not what is searched for.</param>
    public TrainingOptions(bool takesRate = true)
    {
        _takesRate = takesRate;
        _balance.HelpName = string.Join('|', Enum.GetNames<ClassBalance>());
        _balance.CustomParser = result => OptionValues.ParseChoice<ClassBalance>(result);
        _seed.CustomParser = result => OptionValues.ParseInteger(result);
        _device.CustomParser = result => OptionValues.ParseDevice(result);
    }

    public ReadingOptions Reading { get; } = new();

    public void AddTo(Command command)
    {
        Option[] rate = _takesRate ? [_learningRate] : [];
        foreach (var option in (Option[])[_architecture, _weights, _pretrained, _layers, _recipe, _batchSize, .. rate, _balance,
            _imageSize, _threads, _device, _seed, _onBadImage])
        {
            command.Add(option);
        }

        Reading.AddTo(command);
    }

    /// <summary>Gets the weights asked for; null for random ones.</summary>
    public string? Weights(ParseResult arguments) => arguments.GetValue(_weights);

    /// <summary>Reads the recipe asked for.</summary>
    /// <exception cref="InvalidDataException">The file holds no recipe.</exception>
    public TrainingRecipe Recipe(ParseResult arguments) => RecipeNames.Read(arguments.GetValue(_recipe)!);

    /// <summary>Gets whether pretrained weights are asked for.</summary>
    public bool WantsPretrained(ParseResult arguments) => arguments.GetResult(_pretrained) is { Implicit: false };

    /// <summary>Gets how shards are read.</summary>
    public ImageShardOptions OfShards(ParseResult arguments) => new()
    {
        OnBadImage = arguments.GetValue(_onBadImage),
        MaxImagePixels = Reading.MaxPixels(arguments),
        ApplyExifOrientation = Reading.ExifOrientation(arguments),
    };

    /// <summary>Gets whether nothing is said about the network, or what it starts from.</summary>
    public bool LeavesStartOpen(ParseResult arguments) => arguments.GetValue(_architecture) is null && Weights(arguments) is null
        && !WantsPretrained(arguments);

    /// <summary>Reads the weights asked for.</summary>
    /// <returns>The weights, and whether they are pretrained ones; null for random ones.</returns>
    public (ResNetWeights Weights, bool IsPretrained)? Initial(ParseResult arguments, Terminal terminal, CancellationToken cancellation)
    {
        var isPretrained = WantsPretrained(arguments);
        UsageException.ThrowIf(isPretrained && (Weights(arguments) is not null || arguments.GetValue(_architecture) is not null),
            "--pretrained says which network it is: leave out --weights and --arch.");
        if (isPretrained)
        {
            return (StartingPoint.ForPhotographs(arguments.GetValue(_pretrained) ?? StartingPoint.Pretrained), true);
        }

        if (Weights(arguments) is { } source)
        {
            return (NetworkOptions.Read(source, terminal, cancellation), false);
        }

        return null;
    }

    /// <summary>Reads what was asked for.</summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="initial">The weights to start from; null for random ones.</param>
    /// <param name="isPretrained">Whether they are pretrained ones, for which there are rates that need no tuning.</param>
    public TrainingSettings Read(ParseResult arguments, ResNetWeights? initial, bool isPretrained = false)
    {
        var settings = ReadAsAsked(arguments, initial);
        return isPretrained
            ? settings.ForPretrained(
                keepsRecipe: arguments.GetResult(_recipe) is { Implicit: false },
                keepsLayers: arguments.GetResult(_layers) is { Implicit: false })
            : settings;
    }

    private TrainingSettings ReadAsAsked(ParseResult arguments, ResNetWeights? initial)
    {
        var architecture = arguments.GetValue(_architecture) ?? initial?.Architecture
            ?? (initial?.ArchitectureName is { } name ? ResNetArchitecture.Parse(name) : initial is null ? Default : FittingOne(initial));
        if (arguments.GetValue(_imageSize) is { } side)
        {
            CheckSize(side, architecture);
        }

        var recipe = Recipe(arguments);
        return new TrainingSettings
        {
            Architecture = architecture,
            Recipe = recipe with { ClassBalance = arguments.GetValue(_balance) ?? recipe.ClassBalance },
            BatchSize = arguments.GetValue(_batchSize),
            LearningRate = _takesRate ? arguments.GetValue(_learningRate) : null,
            ImageSize = arguments.GetValue(_imageSize),
            InitialWeights = initial,
            Layers = arguments.GetValue(_layers),
            Threads = arguments.GetValue(_threads),
            Device = arguments.GetValue(_device),
            OnBadImage = arguments.GetValue(_onBadImage),
            MaxPixels = Reading.MaxPixels(arguments),
            ExifOrientation = Reading.ExifOrientation(arguments),
            Shards = OfShards(arguments),
            Seed = arguments.GetValue(_seed),
        };
    }

    private static ResNetArchitecture Default => ResNetArchitecture.ResNet20;

    private static ResNetArchitecture FittingOne(ResNetWeights weights) => TensorFit.Candidates(weights) is [var first, ..]
        ? first
        : throw new ArgumentException(
            "The tensors of --weights are not those of any network that this library knows: say with --arch which it is.");

    /// <summary>Refuses sizes of images that a network cannot read.</summary>
    public static void CheckSize(int side, ResNetArchitecture architecture)
    {
        UsageException.ThrowIf(side < architecture.MinimumImageSize,
            $"--image-size is {side}, but {architecture} needs images of at least {architecture.MinimumImageSize} pixels.");
        UsageException.ThrowIf(side > LargestSide, $"--image-size is {side}, but must be at most {LargestSide}.");
    }
}
