using Microsoft.ML.ResNet;

namespace Studio.Training;

/// <summary>The network that has seen ImageNet's photographs, where there is one on this machine.</summary>
internal static class PretrainedNetwork
{
    private const string Name = "resnet18";

    private static readonly Lazy<(StartingPoint? Start, string? Problem)> s_found = new(Find);

    /// <summary>Gets whether it is there.</summary>
    public static bool IsThere => s_found.Value.Start is not null;

    /// <summary>Gets why it is not there, and what to do; null if it is.</summary>
    public static string? Problem => s_found.Value.Problem;

    /// <summary>Reads it.</summary>
    /// <exception cref="RefusedException">It is not there.</exception>
    public static StartingPoint Load() => s_found.Value.Start ?? throw new RefusedException(Problem!);

    private static (StartingPoint? Start, string? Problem) Find()
    {
        try
        {
            var weights = ResNetWeights.Pretrained(Name);
            return (new StartingPoint(weights, weights.Architecture ?? ResNetArchitecture.Parse(Name)), null);
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            return (null, exception.Message);
        }
    }
}
