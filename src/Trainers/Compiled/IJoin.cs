namespace Microsoft.ML.ResNet.Trainers.Compiled;

/// <summary>What the processes do together when the workers of each have met. Workers may do something else until they wait for it.
/// </summary>
internal interface IJoin
{
    /// <summary>Begins it.</summary>
    void Begin();

    /// <summary>Takes it further, without waiting for other processes.</summary>
    /// <returns>Whether it is over.</returns>
    bool TryEnd();
}
