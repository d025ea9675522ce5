using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Trainers;

namespace Studio.Training;

/// <summary>The presets, as a table over the library's recipes: how long, which part of the network, how fast.</summary>
internal static class Presets
{
    /// <summary>The start of a network that has seen the photographs of ImageNet.</summary>
    public const string Pretrained = "pretrained";

    /// <summary>The start of a network with random weights.</summary>
    public const string Nothing = "nothing";

    // A class with fewer images has none to spare for the curves.
    private const int FewestToValidate = 10;

    // The side of images up to which a network for small images is taken.
    private const int SmallSide = 64;

    private static readonly Dictionary<string, TrainingRecipe> s_recipes = new(StringComparer.OrdinalIgnoreCase)
    {
        ["modern"] = TrainingRecipe.Modern,
        ["fast"] = TrainingRecipe.Fast,
        ["paper"] = TrainingRecipe.Paper,
        ["gentle"] = TrainingRecipe.Modern with { WeightDecay = 1e-4 }, // trained weights need no more
    };

    // Rates and lengths for weights that are trained already; the rate is the library's, for a batch of 128 images.
    private static readonly Dictionary<string, (TrainableLayers Layers, int Epochs, double Rate, int Batch)> s_fineTuning = new()
    {
        ["quick"] = (TrainableLayers.Head, 20, 0.01, 32),
        ["better"] = (TrainableLayers.LastStage, 4, 0.0005, 32),
        ["best"] = (TrainableLayers.All, 8, 0.0005, 32),
    };

    private static readonly Dictionary<string, (ResNetArchitecture Network, int Epochs)> s_small = new()
    {
        ["quick"] = (ResNetArchitecture.ResNet20, 15),
        ["better"] = (ResNetArchitecture.ResNet20, 40),
        ["best"] = (ResNetArchitecture.ResNet32, 100),
    };

    private static readonly Dictionary<string, (ResNetArchitecture Network, int Epochs, int Side)> s_photographs = new()
    {
        ["quick"] = (ResNetArchitecture.ResNet20, 20, 64),
        ["better"] = (ResNetArchitecture.ResNet18, 30, 128),
        ["best"] = (ResNetArchitecture.ResNet18, 90, 224),
    };

    public static IEnumerable<string> Names => s_fineTuning.Keys;

    public static IEnumerable<string> RecipeNames => s_recipes.Keys;

    public static TrainingRecipe Recipe(string name) => s_recipes.GetValueOrDefault(name)
        ?? throw new RefusedException($"There is no recipe '{name}': there are {string.Join(", ", s_recipes.Keys)}.");

    /// <summary>Fills in what the request leaves open.</summary>
    /// <param name="request">What was asked for.</param>
    /// <param name="start">The weights to start from.</param>
    /// <param name="typicalSide">The shorter side that most images have.</param>
    /// <param name="smallestClass">The images of the class with the fewest.</param>
    /// <param name="images">All images to train on.</param>
    /// <exception cref="RefusedException">A value is none that is known, or out of its range.</exception>
    public static RunSettings Resolve(TrainingRequest request, StartingPoint start, int typicalSide, int smallestClass, int images)
    {
        if (!s_fineTuning.ContainsKey(request.Preset))
        {
            throw new RefusedException($"There is no preset '{request.Preset}': there are {string.Join(", ", Names)}.");
        }

        var settings = start.Weights is not null ? FineTuned(request, start) : FromNothing(request, typicalSide);
        settings = settings with
        {
            ImageSize = request.ImageSize ?? settings.ImageSize,
            Epochs = Within(request.Epochs ?? settings.Epochs, 1, 10_000, "the number of epochs"),
            BatchSize = Math.Clamp(Within(request.BatchSize ?? settings.BatchSize, 2, 4096, "the batch size"), 2, Math.Max(2, images / 4)),
            LearningRate = request.LearningRate ?? settings.LearningRate,
            Layers = request.Layers ?? settings.Layers,
            Recipe = request.Recipe ?? settings.Recipe,
            // A new head's first steps would spoil what the network has learned.
            FitsHeadFirst = request.Start == Pretrained && (request.Layers ?? settings.Layers) != nameof(TrainableLayers.Head),
            ValidationFraction = smallestClass >= FewestToValidate ? 0.1 : 0,
        };
        if (!Enum.TryParse<TrainableLayers>(settings.Layers, out _))
        {
            var names = string.Join(", ", Enum.GetNames<TrainableLayers>());
            throw new RefusedException($"There is no part '{settings.Layers}' to train: take {names}.");
        }

        Recipe(settings.Recipe);
        var network = start.Architecture ?? ResNetArchitecture.Parse(settings.Network);
        Within(settings.ImageSize, network.MinimumImageSize, 1024, "the side of the images");
        return settings;
    }

    private static RunSettings FineTuned(TrainingRequest request, StartingPoint start)
    {
        var side = start.Weights!.Preprocessing?.Input.Height ?? start.Architecture!.DefaultImageSize;
        var (layers, epochs, rate, batch) = s_fineTuning[request.Preset];

        // A small network was trained on these images from nothing: all of it learns on, gently.
        var (smallEpochs, isSmall) = (s_small[request.Preset].Epochs / 2, side <= SmallSide);
        return New(request, start.Architecture!.Name, "gentle") with
        {
            ImageSize = side,
            Epochs = isSmall ? smallEpochs : epochs,
            BatchSize = batch,
            LearningRate = isSmall ? 0.02 : rate,
            Layers = (isSmall ? TrainableLayers.All : layers).ToString(),
        };
    }

    private static RunSettings FromNothing(TrainingRequest request, int typicalSide)
    {
        var (network, epochs, side) = typicalSide <= SmallSide
            ? (s_small[request.Preset].Network, s_small[request.Preset].Epochs, typicalSide <= 40 ? 32 : 64)
            : s_photographs[request.Preset];
        var isNamed = ResNetArchitecture.All.FirstOrDefault(each => each.Name == request.Network);
        if (request.Network is not null && isNamed is null)
        {
            throw new RefusedException($"There is no network '{request.Network}'.");
        }

        return New(request, (isNamed ?? network).Name, "modern") with { ImageSize = side, Epochs = epochs };
    }

    private static RunSettings New(TrainingRequest request, string network, string recipe) => new()
    {
        Preset = request.Preset,
        Start = request.Start,
        Network = network,
        ImageSize = 0,
        Epochs = 0,
        BatchSize = 32,
        LearningRate = 0.05,
        Layers = nameof(TrainableLayers.All),
        Recipe = recipe,
        Seed = request.Seed ?? 1,
        ValidationFraction = 0,
    };

    private static int Within(int value, int least, int most, string what) => value >= least && value <= most
        ? value
        : throw new RefusedException($"{char.ToUpperInvariant(what[0])}{what[1..]} is {value}, but must be {least:n0} to {most:n0}.");
}
