namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>The memory and disk space that the decoded images of a run may use.</summary>
/// <param name="MemoryBytes">The most bytes in memory; null for half of the memory that is still available to the process.</param>
/// <param name="Folder">The folder of the file that holds the images that do not fit into memory.</param>
/// <param name="DiskReserve">The bytes of the disk that are left free.</param>
internal sealed record CacheLimits(long? MemoryBytes, string Folder, long DiskReserve);
