namespace Microsoft.ML.ResNet.Trainers.Distributed;

/// <summary>What the processes of a job do together. Each call is made by all of them, in the same order, or it never returns.</summary>
/// <remarks>Any thread may call it, but only one at a time.</remarks>
internal interface ICollective
{
    /// <summary>Gets the number of this process, counted from 0.</summary>
    int Rank { get; }

    /// <summary>Gets the number of processes.</summary>
    int Size { get; }

    /// <summary>Adds the parts of all ranks to a total, one after the other in the order of the ranks: every rank has the same total.
    /// </summary>
    /// <param name="part">This rank's part.</param>
    /// <param name="total">What is added to, as many values, the same on every rank.</param>
    void AllReduce(ReadOnlySpan<float> part, Span<float> total);

    /// <inheritdoc cref="AllReduce(ReadOnlySpan{float}, Span{float})"/>
    void AllReduce(ReadOnlySpan<double> part, Span<double> total);

    /// <summary>Begins to add up the parts of all ranks, while other calls are made. One such sum is under way at a time.</summary>
    /// <param name="part">This rank's part.</param>
    void BeginSum(ReadOnlySpan<double> part);

    /// <summary>Takes the sum further that was begun.</summary>
    /// <param name="total">Takes the sum in the order of the ranks, as many values, when it is over.</param>
    /// <returns>Whether it is over.</returns>
    bool TryEndSum(Span<double> total);

    /// <summary>Collects a number from each rank.</summary>
    /// <param name="value">This rank's number.</param>
    /// <param name="all">Takes one of each rank, in their order.</param>
    void AllGather(long value, Span<long> all);

    /// <summary>Gives every rank what one of them has.</summary>
    /// <param name="values">What is given, or taken; as many bytes on every rank.</param>
    /// <param name="from">The rank that gives.</param>
    void Broadcast(Span<byte> values, int from = 0);

    /// <summary>Gives each rank something else. What is for, or of, this rank itself has no bytes.</summary>
    /// <param name="sent">What the ranks are given, one after the other in their order.</param>
    /// <param name="sentCounts">The bytes for each rank.</param>
    /// <param name="received">Takes what they give, in their order.</param>
    /// <param name="receivedCounts">The bytes from each rank.</param>
    void Exchange(
        ReadOnlySpan<byte> sent, ReadOnlySpan<int> sentCounts, Span<byte> received, ReadOnlySpan<int> receivedCounts);

    /// <summary>Prepares to give each other rank its block, and to take this rank's block of each.</summary>
    /// <param name="sent">A block for each rank, in their order. They stay as they are until the exchange is over.</param>
    /// <param name="received">Takes a block of each, in their order. That of this rank itself is not written.</param>
    /// <param name="blocks">The bytes of each rank's block, the same on every rank.</param>
    unsafe IExchange PrepareAllToAll(void* sent, void* received, int[] blocks);

    /// <summary>Prepares to give all other ranks this one's block, and to take theirs.</summary>
    /// <param name="values">The blocks of all ranks, in their order: this rank's is given, the others are written.</param>
    /// <param name="blocks">The bytes of each rank's block, the same on every rank.</param>
    unsafe IExchange PrepareAllGather(void* values, int[] blocks);

    /// <summary>Waits for all ranks.</summary>
    void Barrier();

    /// <summary>Ends all processes of the job. It does not return.</summary>
    /// <param name="reason">What is written to the standard error stream before.</param>
    void Abort(string reason);
}

/// <summary>What processes do together while each does something else, any number of times. Its memory stays where it is.</summary>
internal interface IExchange
{
    /// <summary>Begins it.</summary>
    void Begin();

    /// <summary>Takes it further, without waiting for other processes.</summary>
    /// <returns>Whether it is over. Then it may be called again, and does nothing.</returns>
    bool TryEnd();
}
