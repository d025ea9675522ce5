namespace Microsoft.ML.ResNet.Trainers.Interop;

/// <summary>The memory that the process may still take.</summary>
internal static class AvailableMemory
{
    // The rest is for the allocator's losses and everything else.
    private const double UsableShare = 0.8;

    /// <summary>Gets it, in bytes, of what the system or the container allows.</summary>
    public static long Bytes() => (long)(UsableShare * (GC.GetGCMemoryInfo().TotalAvailableMemoryBytes - Environment.WorkingSet));
}
