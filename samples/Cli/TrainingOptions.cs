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

    private readonly Option<TrainableLayers> _layers = OptionValues.Choice("--layers",
        "What is trained; the rest stays as --weights has it.", TrainableLayers.All);

    private readonly Option<ClassBalance?> _balance = new("--balance")
    {
        Description = "What makes up for classes with few images: draw them more often (Sampling), or weigh them more (Weights). "
            + "[default: what the recipe says]",
    };

    private readonly Option<int?> _threads = OptionValues.Whole("--threads", "Threads to compute with. [default: one per core]", least: 1);

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
    }

    public ReadingOptions Reading { get; } = new();

    public void AddTo(Command command)
    {
        Option[] rate = _takesRate ? [_learningRate] : [];
        foreach (var option in (Option[])[_architecture, _weights, _layers, _recipe, _batchSize, .. rate, _balance, _imageSize, _threads,
            _seed, _onBadImage])
        {
            command.Add(option);
        }

        Reading.AddTo(command);
    }

    /// <summary>Gets the weights asked for; null for random ones.</summary>
    public string? Weights(ParseResult arguments) => arguments.GetValue(_weights);

    /// <summary>Reads what was asked for.</summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="initial">The weights to start from; null for random ones.</param>
    public TrainingSettings Read(ParseResult arguments, ResNetWeights? initial)
    {
        var architecture = arguments.GetValue(_architecture)
            ?? (initial?.ArchitectureName is { } name ? ResNetArchitecture.Parse(name) : initial is null ? Default : FittingOne(initial));
        if (arguments.GetValue(_imageSize) is { } side)
        {
            CheckSize(side, architecture);
        }

        var recipe = RecipeNames.Read(arguments.GetValue(_recipe)!);
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
            OnBadImage = arguments.GetValue(_onBadImage),
            MaxPixels = Reading.MaxPixels(arguments),
            ExifOrientation = Reading.ExifOrientation(arguments),
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
