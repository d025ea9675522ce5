using Microsoft.ML.ResNet.Trainers.Distributed;

namespace Microsoft.ML.ResNet.Trainers.Checkpoints;

/// <summary>Hands the checkpoint that rank 0 has read to all ranks: the folder may lie on a disk of its machine alone.</summary>
internal static class SharedCheckpoint
{
    /// <summary>Gets the checkpoint that rank 0 has; null where it has none.</summary>
    /// <param name="ranks">The processes.</param>
    /// <param name="own">That of rank 0; on other ranks it is not looked at.</param>
    public static Checkpoint? OfFirst(this ICollective ranks, Checkpoint? own)
    {
        if (ranks.Size == 1)
        {
            return own;
        }

        using var stream = new MemoryStream();
        if (ranks.Rank == 0)
        {
            own?.Write(stream);
        }

        var bytes = ranks.OfFirst(stream.ToArray());
        return ranks.Rank == 0 ? own : bytes.Length == 0 ? null : Checkpoint.Read(new MemoryStream(bytes));
    }
}
