namespace Microsoft.ML.ResNet.Trainers.Interop;

/// <summary>The memory that is still available to the process.</summary>
internal static class AvailableMemory
{
    // The rest is for the allocator's losses and everything else.
    private const double UsableShare = 0.8;

    /// <summary>Gets the bytes that are available within the limit of the system or the container.</summary>
    public static long Bytes() => (long)(UsableShare * (GC.GetGCMemoryInfo().TotalAvailableMemoryBytes - Environment.WorkingSet));
}
