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

    /// <summary>Begins to give each rank another block, and goes on with it while other calls are made.</summary>
    /// <param name="sent">A block for each rank, in their order. It stays as it is until the exchange is over.</param>
    /// <param name="received">Takes a block of each, likewise. Both are pinned.</param>
    /// <param name="block">The bytes of a block.</param>
    IExchange BeginAllToAll(byte[] sent, byte[] received, int block);

    /// <summary>Begins to give every rank the blocks of all, and goes on with it while other calls are made.</summary>
    /// <param name="sent">This rank's block. It stays as it is until the exchange is over.</param>
    /// <param name="received">Takes the blocks of all, in the order of the ranks. Both are pinned.</param>
    /// <param name="block">The bytes of a block.</param>
    IExchange BeginAllGather(byte[] sent, byte[] received, int block);

    /// <summary>Waits for all ranks.</summary>
    void Barrier();

    /// <summary>Ends all processes of the job. It does not return.</summary>
    /// <param name="reason">What is written to the standard error stream before.</param>
    void Abort(string reason);
}

/// <summary>An exchange that goes on while other calls are made.</summary>
internal interface IExchange
{
    /// <summary>Takes it further, and tells whether it is over.</summary>
    /// <param name="waits">Whether to wait until it is.</param>
    bool IsOver(bool waits);
}
