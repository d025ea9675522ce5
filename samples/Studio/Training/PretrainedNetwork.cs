using Microsoft.ML.ResNet;

namespace Studio.Training;

/// <summary>The network that has seen ImageNet's photographs, where there is one on this machine.</summary>
internal static class PretrainedNetwork
{
    private const string Name = "resnet18";

    private static readonly string s_absent =
        "There is no network here that has already seen many photographs. Training starts from nothing: that takes longer, and needs more "
        + $"images. To get one, type “resnet inspect {Published}” in a terminal once, which downloads it (45 MB); then reload this page.";

    private static readonly string s_damaged =
        "The network that has already seen many photographs cannot be read: its file is damaged. Install the studio again. Until then, "
        + "training starts from nothing: that takes longer, and needs more images.";

    private static readonly Lock s_gate = new();
    private static StartingPoint? s_found;

    /// <summary>Gets whether it is there.</summary>
    public static bool IsThere => Problem is null;

    /// <summary>Gets why it is not there, and what to do; null if it is.</summary>
    public static string? Problem => Find().Problem;

    private static string Published => PublishedWeights.All.First(weights => weights.Architecture.Name == Name).Name;

    /// <summary>Reads it.</summary>
    /// <exception cref="RefusedException">It is not there.</exception>
    public static StartingPoint Load() =>
        Find() is var (start, problem) && start is not null ? start : throw new RefusedException(problem!);

    // What is not there may come while the studio runs: it is looked for again.
    private static (StartingPoint? Start, string? Problem) Find()
    {
        lock (s_gate)
        {
            try
            {
                if (s_found is null)
                {
                    var weights = ResNetWeights.Pretrained(Name);
                    s_found = new StartingPoint(weights, weights.Architecture ?? ResNetArchitecture.Parse(Name));
                }

                return (s_found, null);
            }
            catch (FileNotFoundException)
            {
                return (null, s_absent);
            }
            catch (Exception exception) when (exception is IOException or InvalidDataException or UnauthorizedAccessException)
            {
                return (null, s_damaged);
            }
        }
    }
}
