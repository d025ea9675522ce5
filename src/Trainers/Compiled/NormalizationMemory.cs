using Microsoft.ML.ResNet.Trainers.Distributed;

namespace Microsoft.ML.ResNet.Trainers.Compiled;

/// <summary>What the workers of a normalization write: sums, which all of them read, and coefficients of their own.</summary>
/// <param name="memory">Where it is taken from.</param>
/// <param name="workers">The workers.</param>
/// <param name="channels">The channels.</param>
/// <param name="rooms">Room of each worker for sums, which others may use when they are there.</param>
/// <param name="ranks">The processes, whose sums are added to those of the workers.</param>
internal sealed unsafe class NormalizationMemory(StepMemory memory, int workers, int channels, float*[] rooms, ICollective ranks)
{
    // Those of one direction stay while a faster worker writes the other's.
    private readonly double* _forwardSums = memory.Allocate<double>((nint)workers * 2 * channels);
    private readonly double* _backwardSums = memory.Allocate<double>((nint)workers * 2 * channels);
    private readonly float* _coefficients = memory.Allocate<float>((nint)workers * 5 * channels);

    // Of the direction that workers met in last: those of all processes, and before of this one. Not used where there is one process.
    private readonly double* _joined = ranks.Size == 1 ? null : memory.Allocate<double>((nint)2 * channels);
    private readonly double[] _own = ranks.Size == 1 ? [] : new double[2 * channels];
    private IExchange? _joinForward, _joinBackward;

    /// <summary>Gets what adds up the sums of the forward pass over the processes, when the workers have met.</summary>
    public IExchange JoinForward => _joinForward ??= new Joined(this, _forwardSums);

    /// <summary>Gets what adds up the sums of the backward pass over the processes, when the workers have met.</summary>
    public IExchange JoinBackward => _joinBackward ??= new Joined(this, _backwardSums);

    /// <summary>Gets what one worker writes.</summary>
    public Part Of(int worker) => new(
        _forwardSums + (nint)worker * 2 * channels,
        _backwardSums + (nint)worker * 2 * channels,
        _coefficients + (nint)worker * 5 * channels,
        rooms[worker],
        channels);

    /// <summary>Adds up one of the sums of the forward pass over the workers, in their order.</summary>
    public double ForwardTotal(int sum) => Total(_forwardSums, sum);

    /// <summary>Adds up one of the sums of the backward pass over the workers, in their order.</summary>
    public double BackwardTotal(int sum) => Total(_backwardSums, sum);

    private double Total(double* sums, int sum) => _joined is null ? TotalOfWorkers(sums, sum) : _joined[sum];

    // Statistics of each process's own images are not joined.
    private void BeginJoin(double* sums)
    {
        if (_joined is null)
        {
            return;
        }

        for (var sum = 0; sum < _own.Length; sum++)
        {
            _own[sum] = TotalOfWorkers(sums, sum);
        }

        ranks.BeginSum(_own);
    }

    private bool TryEndJoin() => _joined is null || ranks.TryEndSum(new Span<double>(_joined, _own.Length));

    private double TotalOfWorkers(double* sums, int sum)
    {
        var total = 0.0;
        for (var worker = 0; worker < workers; worker++)
        {
            total += sums[(nint)worker * 2 * channels + sum];
        }

        return total;
    }

    /// <summary>The sums of one worker's slice, and its copy of what follows from everybody's.</summary>
    public readonly struct Part(double* forwardSums, double* backwardSums, float* coefficients, float* room, int channels)
    {
        public readonly double* ForwardSums = forwardSums;
        public readonly double* BackwardSums = backwardSums;
        public readonly float* Mean = coefficients;
        public readonly float* InverseDeviation = coefficients + channels;
        public readonly float* First = coefficients + 2 * channels;
        public readonly float* Second = coefficients + 3 * channels;
        public readonly float* Third = coefficients + 4 * channels;
        public readonly float* Room = room;
    }

    private sealed class Joined(NormalizationMemory memory, double* sums) : IExchange
    {
        public void Begin() => memory.BeginJoin(sums);

        public bool TryEnd() => memory.TryEndJoin();
    }
}
