using System.Collections.Immutable;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Checkpoints;

/// <summary>What decides the result of a run. Only a run with the same identity may go on from a checkpoint.</summary>
internal sealed record TrainingIdentity
{
    private const int HashLength = 16;

    public required string Architecture { get; init; }

    public required string Input { get; init; }

    public required int ClassCount { get; init; }

    /// <summary>Gets the weights' names and shapes, hashed: a changed architecture may keep its name.</summary>
    public required string Layers { get; init; }

    public required string TrainableLayers { get; init; }

    public required int EpochsPerUnfreezing { get; init; }

    public required double LayerDecay { get; init; }

    /// <summary>Gets the hash of the weights that training starts from; they are random or given.</summary>
    public required string StartingWeights { get; init; }

    public required int TrainingImages { get; init; }

    public required int ValidationImages { get; init; }

    /// <summary>Gets the hash of all pixels, labels and weights, in their order.</summary>
    public required string Data { get; init; }

    public required string Preprocessing { get; init; }

    public required string Precision { get; init; }

    public required int Seed { get; init; }

    public required TrainingRecipe Recipe { get; init; }

    public static TrainingIdentity Of<T>(
        LayerPlan plan,
        ResNetWeights start,
        TrainingImages<T> images,
        TrainingRecipe recipe,
        FineTuning fineTuning,
        TrainingPrecision precision,
        int seed)
        where T : unmanaged, INumberBase<T> => new()
        {
            Architecture = plan.Architecture.Name,
            Input = plan.Input.ToString(),
            ClassCount = plan.ClassCount,
            Layers = Hash(hash => Add(hash, string.Join(';', plan.Weights.Select(spec => $"{spec.Name}:{string.Join(',', spec.Shape)}")))),
            TrainableLayers = fineTuning.ToString(),
            EpochsPerUnfreezing = fineTuning.EpochsPerUnfreezing,
            LayerDecay = fineTuning.LayerDecay,
            StartingWeights = start.ValuesHash[..HashLength],
            TrainingImages = images.Training.Count,
            ValidationImages = images.Validation.Count,
            Data = Hash(hash =>
            {
                AddAll(hash, images.Training, images.LabelSets);
                AddAll(hash, images.Validation, images.LabelSets);
            }),
            Preprocessing = Hash(hash => Add(hash, Weights.WeightsMetadata.Write(images.Preprocessing))),
            Precision = precision.ToString(),
            Seed = seed,
            Recipe = recipe,
        };

    /// <summary>Gets what differs, in sentences; empty if the two are the same.</summary>
    public ImmutableArray<string> DifferencesFrom(TrainingIdentity earlier) =>
    [
        .. Difference(nameof(Architecture), Architecture, earlier.Architecture),
        .. Difference(nameof(Input), Input, earlier.Input),
        .. Difference("Number of classes", ClassCount, earlier.ClassCount),
        .. Architecture == earlier.Architecture && Input == earlier.Input && ClassCount == earlier.ClassCount
            ? Difference(nameof(Layers), Layers, earlier.Layers)
            : [],
        .. Difference(nameof(TrainableLayers), TrainableLayers, earlier.TrainableLayers),
        .. Difference(nameof(EpochsPerUnfreezing), EpochsPerUnfreezing, earlier.EpochsPerUnfreezing),
        .. Difference(nameof(LayerDecay), LayerDecay, earlier.LayerDecay),
        .. Difference(nameof(Seed), Seed, earlier.Seed),
        .. Layers == earlier.Layers && Seed == earlier.Seed
            ? Difference("Initial weights (hash)", StartingWeights, earlier.StartingWeights)
            : [],
        .. Difference("Number of training images", TrainingImages, earlier.TrainingImages),
        .. Difference("Number of validation images", ValidationImages, earlier.ValidationImages),
        .. Difference("Images, labels or their order (hash)", Data, earlier.Data),
        .. Data == earlier.Data ? Difference("Preprocessing (hash)", Preprocessing, earlier.Preprocessing) : [],
        .. Difference(nameof(Precision), Precision, earlier.Precision),
        .. Recipe.DifferencesFrom(earlier.Recipe),
    ];

    private static IEnumerable<string> Difference<TValue>(string name, TValue now, TValue before) =>
        EqualityComparer<TValue>.Default.Equals(now, before) ? [] : [$"{name} is {now}, was {before}"];

    private static string Hash(Action<IncrementalHash> add)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        add(hash);
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..HashLength];
    }

    private static void Add(IncrementalHash hash, string text) => hash.AppendData(MemoryMarshal.AsBytes<char>(text));

    private static void AddAll<T>(IncrementalHash hash, ImageSet<T> images, LabelSets? labelSets)
        where T : unmanaged, INumberBase<T>
    {
        if (images.Stream is { } stream)
        {
            Add(hash, stream.Identity);
            foreach (ref readonly var entry in images.Entries)
            {
                Add(hash, (entry.Height, entry.Width, entry.Label, entry.Weight), labelSets);
            }

            return;
        }

        foreach (var image in images)
        {
            hash.AppendData(MemoryMarshal.AsBytes(image.Pixels));
            Add(hash, (image.Height, image.Width, image.Label, image.Weight), labelSets);
        }
    }

    private static void Add(IncrementalHash hash, (int Height, int Width, int Label, float Weight) image, LabelSets? labelSets)
    {
        var weight = BitConverter.SingleToInt32Bits(image.Weight);
        hash.AppendData(MemoryMarshal.AsBytes<int>([image.Height, image.Width, image.Label, weight]));
        if (labelSets is not null)
        {
            hash.AppendData(MemoryMarshal.AsBytes(labelSets[image.Label]));
        }
    }
}
