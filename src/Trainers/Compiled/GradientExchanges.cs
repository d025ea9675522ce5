using Microsoft.ML.ResNet.Trainers.Distributed;

namespace Microsoft.ML.ResNet.Trainers.Compiled;

/// <summary>Adds up gradients over the processes in buckets, each as soon as the backward pass has gone by its last weight.</summary>
/// <remarks>
/// One thread at a time may call the processes: the worker that comes last to a meeting. The gradient of filters is computed at the next
/// meeting. So each worker adds up its share of a bucket after the meeting that follows, when all of them have that bucket's gradients; at
/// the one after that, the exchange begins. It is taken further at every meeting, and waited for when the pass is over.
/// </remarks>
/// <param name="weights">The weights.</param>
/// <param name="ranks">The processes.</param>
internal sealed unsafe class GradientExchanges(StepWeights weights, ICollective ranks)
{
    private List<(GradientBucket Bucket, int[] Weights, int ReadyAfter)> _buckets = [];
    private int[] _next = []; // by worker: the bucket of which it adds up its share next
    private int _begun, _addedUp;
    private bool _accumulates;
    private int _frozenLayers; // when buckets were cut

    /// <summary>Cuts the gradients into buckets: once for the layers that are trained, as operations come in the same order for images of
    /// any size.</summary>
    /// <param name="operations">The operations, in the order of the forward pass.</param>
    /// <param name="workers">The workers.</param>
    /// <param name="bytes">The bytes of a bucket, which its last weight may exceed.</param>
    /// <param name="format">The format in which they are sent.</param>
    public void Plan(IReadOnlyList<StepOperation> operations, int workers, int bytes, GradientExchange format)
    {
        if (_buckets.Count > 0 && _frozenLayers == weights.FrozenLayers)
        {
            return;
        }

        _buckets.Clear();
        _frozenLayers = weights.FrozenLayers;
        _next = new int[workers];
        var (taken, size, lowest) = (new List<int>(), 0L, int.MaxValue);
        foreach (var (weight, operation) in weights.Exchanged
            .Select(weight => (weight, Operation: OperationOf(weight)))
            .OrderByDescending(each => weights.Offset(each.weight)))
        {
            if (taken.Count > 0 && weights.IsNormalization(taken[^1]) && !weights.IsNormalization(weight))
            {
                Close(); // those of normalizations, of all layers, are ready last
            }

            taken.Add(weight);
            (size, lowest) = (size + weights.Size(weight), Math.Min(lowest, operation));
            if (size * sizeof(float) >= bytes)
            {
                Close();
            }
        }

        if (taken.Count > 0)
        {
            Close();
        }

        _buckets = [.. _buckets.OrderByDescending(bucket => bucket.ReadyAfter)];

        void Close()
        {
            var offset = taken.Min(weights.Offset);
            var bucket = new GradientBucket(ranks, weights.Part + offset, weights.Total + offset, (int)size, format);
            _buckets.Add((bucket, [.. taken], workers == 1 ? MeetingBefore(lowest) : MeetingBefore(MeetingBefore(lowest))));
            (taken, size, lowest) = ([], 0, int.MaxValue);
        }

        int OperationOf(int weight) =>
            Enumerable.Range(0, operations.Count).First(operation => operations[operation].Weights.Contains(weight));

        // The next operation of the backward pass in which workers meet; −1 for the end of the pass.
        int MeetingBefore(int operation)
        {
            do
            {
                operation--;
            }
            while (operation >= 0 && !operations[operation].Meets);
            return Math.Max(operation, -1);
        }
    }

    /// <summary>Begins a step.</summary>
    /// <param name="accumulates">Whether sums are added to the gradients of the batch before.</param>
    public void Reset(bool accumulates)
    {
        Array.Clear(_next);
        (_begun, _addedUp, _accumulates) = (0, 0, accumulates);
    }

    /// <summary>Adds up a worker's share of the buckets that are ready when it has done an operation of the backward pass.</summary>
    /// <param name="workers">The workers.</param>
    /// <param name="worker">The one that adds up.</param>
    /// <param name="operation">The operation's place in the program; −1 when the pass is over and all workers have met.</param>
    public void AddUp(StepWorker[] workers, int worker, int operation)
    {
        ref var next = ref _next[worker];
        for (; next < _buckets.Count && _buckets[next].ReadyAfter >= operation; next++)
        {
            foreach (var weight in _buckets[next].Weights)
            {
                weights.AddUp(workers, worker, weight);
            }
        }
    }

    /// <summary>Takes the exchanges further. Where all workers have met.</summary>
    public void Advance()
    {
        for (; _begun < _next[0]; _begun++)
        {
            _buckets[_begun].Bucket.Begin();
        }

        while (_addedUp < _begun && _buckets[_addedUp].Bucket.AddUp(_accumulates, waits: false))
        {
            _addedUp++;
        }
    }

    /// <summary>Waits for all of them. Where all workers have met.</summary>
    public void Finish()
    {
        Advance();
        for (; _addedUp < _begun; _addedUp++)
        {
            _buckets[_addedUp].Bucket.AddUp(_accumulates, waits: true);
        }

        foreach (var (bucket, _, _) in _buckets)
        {
            bucket.Finish();
        }
    }
}
