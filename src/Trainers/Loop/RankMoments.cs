using Microsoft.ML.ResNet.Trainers.Distributed;

namespace Microsoft.ML.ResNet.Trainers.Loop;

/// <summary>What the time or the program asks for, between two steps.</summary>
[Flags]
internal enum Moment
{
    None = 0,
    ReportDue = 1,
    OutOfTime = 2,
    Canceled = 4,
    CheckpointDue = 8,
}

/// <summary>Ranks have clocks and tokens of their own, but must do the same: here they agree on it.</summary>
/// <param name="ranks">The processes that train together.</param>
/// <param name="cancellation">This one's token.</param>
internal sealed class RankMoments(ICollective ranks, CancellationToken cancellation)
{
    /// <summary>Agrees on what all ranks do now. Rank 0 tells what is due; any of them can end the training.</summary>
    /// <param name="own">What this one's clock and token ask for.</param>
    public Moment Agree(Moment own)
    {
        var told = ranks.Rank == 0 ? own : own & (Moment.OutOfTime | Moment.Canceled);
        return ranks.Size == 1 ? own : (Moment)ranks.All((long)told).Aggregate((some, other) => some | other);
    }

    /// <summary>Ends the training where it was canceled.</summary>
    /// <param name="agreed">What was agreed on.</param>
    /// <exception cref="OperationCanceledException">It was.</exception>
    public void ThrowIfCanceled(Moment agreed)
    {
        if (ranks.Size == 1)
        {
            cancellation.ThrowIfCancellationRequested();
        }
        else if (agreed.HasFlag(Moment.Canceled))
        {
            throw new JobCanceledException(cancellation);
        }
    }
}
