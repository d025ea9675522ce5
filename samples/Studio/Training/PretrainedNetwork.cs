namespace Studio.Training;

/// <summary>The network that has seen ImageNet's photographs, where there is one on this machine.</summary>
internal static class PretrainedNetwork
{
    /// <summary>Gets whether it is there.</summary>
    public static bool IsThere => false;

    /// <summary>Reads it.</summary>
    /// <exception cref="RefusedException">It is not there.</exception>
    public static StartingPoint Load() => throw new RefusedException("There are no pretrained weights on this machine.");
}
