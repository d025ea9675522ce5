using System.Text.Json;

namespace ModelBuilder;

/// <summary>What MLModel.mbconfig says.</summary>
internal sealed record TrainingConfig(string Scenario, TrainingConfig.FolderDataSource DataSource, TrainingConfig.Option TrainingOption)
{
    private static readonly JsonSerializerOptions Complete = new()
    {
        RespectRequiredConstructorParameters = true,
        RespectNullableAnnotations = true,
    };

    /// <summary>Reads the file.</summary>
    /// <exception cref="InvalidDataException">The file is not JSON, or lacks something that is needed.</exception>
    public static TrainingConfig Load(string path)
    {
        try
        {
            var config = JsonSerializer.Deserialize<TrainingConfig>(File.ReadAllText(path), Complete)
                ?? throw new JsonException("It is empty.");
            return config.Scenario == "ImageClassification"
                ? config
                : throw new JsonException($"Scenario is '{config.Scenario}', but must be 'ImageClassification'.");
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"'{path}' cannot be used: {exception.Message}", exception);
        }
    }

    /// <summary>Where the images are.</summary>
    /// <param name="FolderPath">
    /// The folder with a sub-folder of images for each class, relative to the folder that the program runs in.
    /// </param>
    internal sealed record FolderDataSource(string FolderPath);

    /// <summary>How the network is trained.</summary>
    /// <param name="Architecture">The network, a name that ResNetArchitecture.Parse knows.</param>
    /// <param name="ImageSize">The height and width that images are resized to, in pixels.</param>
    /// <param name="Epochs">How often every image is seen.</param>
    /// <param name="TestFraction">The share of the images that is held out for testing, between 0 and 1.</param>
    /// <param name="Seed">The seed of all randomness, the choice of test images included.</param>
    internal sealed record Option(string Architecture, int ImageSize, int Epochs, double TestFraction, int Seed);
}
