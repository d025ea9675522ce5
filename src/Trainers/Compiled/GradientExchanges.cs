using System.Runtime.ExceptionServices;
using Microsoft.ML.ResNet.Trainers.Distributed;

namespace Microsoft.ML.ResNet.Trainers.Compiled;

/// <summary>Adds up gradients over the processes in buckets, each as soon as the backward pass has gone by its last weight.</summary>
/// <remarks>
/// The gradient of filters is computed at the next meeting. So each worker adds up its share of a bucket after the meeting that follows,
/// when all of them have that bucket's gradients; at the one after that, the exchange begins. MPI moves bytes only while it is called, and
/// meetings are too rare for that: a thread of its own calls it every millisecond while exchanges are under way. It takes turns with the
/// workers, which call it at meetings.
/// </remarks>
internal sealed unsafe class GradientExchanges : IExchange, IDisposable
{
    private const int Pause = 1; // millisecond: at 10 Gbit/s a megabyte, which the buffers of sockets hold

    private readonly StepWeights _weights;
    private readonly ICollective _ranks;
    private readonly Lock _turn; // of the one thread that calls the processes
    private readonly AutoResetEvent _wake = new(initialState: false);
    private readonly Thread _thread;
    private bool _isUnderWay, _isDisposed;
    private ExceptionDispatchInfo? _failure;
    private List<(GradientBucket Bucket, int[] Weights, int ReadyAfter)> _buckets = [];
    private int[] _next = []; // by worker: the bucket of which it adds up its share next
    private int _begun, _addedUp, _finished;
    private bool _accumulates;
    private int _frozenLayers; // when buckets were cut

    /// <param name="weights">The weights.</param>
    /// <param name="team">The workers of this process.</param>
    public GradientExchanges(StepWeights weights, WorkerTeam team)
    {
        (_weights, _ranks, _turn) = (weights, team.Ranks, team.Turn);
        team.HasBegun = BeginReady;
        _thread = new Thread(KeepMoving) { IsBackground = true, Name = "ResNet exchange" };
        _thread.UnsafeStart();
    }

    /// <summary>Cuts the gradients into buckets: once for the layers that are trained, as operations come in the same order for images of
    /// any size.</summary>
    /// <param name="operations">The operations, in the order of the forward pass.</param>
    /// <param name="workers">The workers.</param>
    /// <param name="bytes">The bytes of a bucket, which its last weight may exceed.</param>
    /// <param name="format">The format in which they are sent.</param>
    public void Plan(IReadOnlyList<StepOperation> operations, int workers, int bytes, GradientExchange format)
    {
        if (_buckets.Count > 0 && _frozenLayers == _weights.FrozenLayers)
        {
            return;
        }

        _buckets.Clear();
        _frozenLayers = _weights.FrozenLayers;
        _next = new int[workers];
        var (taken, size, lowest) = (new List<int>(), 0L, int.MaxValue);
        foreach (var (weight, operation) in _weights.Exchanged
            .Select(weight => (weight, Operation: OperationOf(weight)))
            .OrderByDescending(each => _weights.Offset(each.weight)))
        {
            if (taken.Count > 0 && _weights.IsNormalization(taken[^1]) && !_weights.IsNormalization(weight))
            {
                Close(); // those of normalizations, of all layers, are ready last
            }

            taken.Add(weight);
            (size, lowest) = (size + _weights.Size(weight), Math.Min(lowest, operation));
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
            var offset = taken.Min(_weights.Offset);
            var bucket = new GradientBucket(_ranks, _weights.Part + offset, _weights.Total + offset, (int)size, format);
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
        (_begun, _addedUp, _finished, _accumulates) = (0, 0, 0, accumulates);
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
                _weights.AddUp(workers, worker, weight);
            }
        }
    }

    // By then they have begun at the meetings of the backward pass, all but the last of them.
    void IExchange.Begin()
    {
    }

    /// <summary>Takes all exchanges further, when all workers have met at the end of a step.</summary>
    /// <returns>Whether they are over.</returns>
    public bool TryEnd()
    {
        _failure?.Throw();
        MoveOn();
        while (_finished < _addedUp && _buckets[_finished].Bucket.TryFinish())
        {
            _finished++;
        }

        var isOver = _finished == _buckets.Count;
        _isUnderWay &= !isOver;
        return isOver;
    }

    public void Dispose()
    {
        lock (_turn)
        {
            _isDisposed = true;
        }

        _wake.Set();
        _thread.Join();
        _wake.Dispose();
    }

    // At a meeting, after the sum that all wait for.
    private void BeginReady()
    {
        for (; _begun < _next[0]; _begun++)
        {
            _buckets[_begun].Bucket.Begin();
        }

        MoveOn();
        if (_begun > 0 && !_isUnderWay)
        {
            _isUnderWay = true;
            _wake.Set();
        }
    }

    private void MoveOn()
    {
        while (_addedUp < _begun && _buckets[_addedUp].Bucket.TryAddUp(_accumulates))
        {
            _addedUp++;
        }

        if (_addedUp > 0)
        {
            _buckets[_addedUp - 1].Bucket.MoveOn();
        }
    }

    private void KeepMoving()
    {
        while (_wake.WaitOne())
        {
            while (MovesOn())
            {
                Thread.Sleep(Pause);
            }

            if (_isDisposed)
            {
                return;
            }
        }

        bool MovesOn()
        {
            lock (_turn)
            {
                if (!_isUnderWay || _isDisposed)
                {
                    return false;
                }

                try
                {
                    MoveOn();
                }
                catch (Exception exception)
                {
                    (_failure, _isUnderWay) = (ExceptionDispatchInfo.Capture(exception), false);
                }

                return true;
            }
        }
    }
}
