using Microsoft.ML.ResNet.Trainers.Distributed;
using Microsoft.ML.ResNet.Trainers.Kernels;

namespace Microsoft.ML.ResNet.Trainers.Compiled;

/// <summary>Some gradients, one after another in memory, which are added up over the processes while the backward pass goes on.</summary>
/// <remarks>
/// Each process adds up a block of them, of which the others send it their parts, in the order of the processes, and then sends it to all:
/// as many bytes as a ring sends. MPI's own sum would leave the order of additions to its algorithm. Floats are sent from where they lie,
/// and sums come to where they are read.
/// </remarks>
internal sealed unsafe class GradientBucket
{
    private const int FewestBytes = 4 << 20;
    private const long FewestBytesOfBlock = 1 << 17; // a message costs as much as 64 kB, where it takes 50 µs at 10 Gbit/s
    private const long MostBytes = 1 << 30;

    private readonly int _rank, _ranks, _size, _start, _count; // the own block's place, and its gradients
    private readonly float* _part, _total;
    private readonly ActivationKernels _kernels;
    private readonly ushort[]? _rounded; // what is sent in bfloat16: the parts, and then the sums
    private readonly byte[] _received;   // the own block of all other processes
    private readonly IExchange _parts, _sums;

    /// <param name="ranks">The processes.</param>
    /// <param name="part">This process's gradients.</param>
    /// <param name="total">The sums over all processes.</param>
    /// <param name="size">How many there are.</param>
    /// <param name="format">The format in which they are sent.</param>
    public GradientBucket(ICollective ranks, float* part, float* total, int size, GradientExchange format)
    {
        var isRounded = format == GradientExchange.BFloat16;
        var bytes = isRounded ? sizeof(ushort) : sizeof(float);
        var block = (size + ranks.Size - 1) / ranks.Size;
        int[] blocks = [.. Enumerable.Range(0, ranks.Size).Select(rank => Math.Clamp(size - rank * block, 0, block))];
        (_rank, _ranks, _size) = (ranks.Rank, ranks.Size, size);
        _part = part;
        _total = total;
        (_start, _count) = (Math.Min(_rank * block, size), blocks[_rank]);
        _kernels = ActivationKernels.For(isRounded, ActivationKernels.WidestLanes);

        // Pinned: exchanges go on while the garbage collector may run.
        _rounded = isRounded ? GC.AllocateUninitializedArray<ushort>(size, pinned: true) : null;
        _received = GC.AllocateUninitializedArray<byte>(_count * bytes * ranks.Size, pinned: true);
        int[] blockBytes = [.. blocks.Select(count => count * bytes)];
        fixed (ushort* rounded = _rounded)
        fixed (byte* received = _received)
        {
            _parts = ranks.PrepareAllToAll(isRounded ? rounded : part, received, blockBytes);
            _sums = ranks.PrepareAllGather(isRounded ? rounded : total, blockBytes);
        }
    }

    /// <summary>Gets the bytes of a bucket: so few that exchanges begin early in the backward pass, and so many that blocks are no small
    /// messages.</summary>
    /// <param name="ranks">The processes, each of which adds up a block.</param>
    public static int BytesFor(int ranks) => (int)Math.Clamp(ranks * FewestBytesOfBlock, FewestBytes, MostBytes);

    /// <summary>Sends the other processes the parts of their blocks.</summary>
    public void Begin()
    {
        if (_rounded is not null)
        {
            fixed (ushort* rounded = _rounded)
            {
                _kernels.Round(_part, rounded, _size);
            }
        }

        _parts.Begin();
    }

    /// <summary>Adds up the own block, if the parts of it have come, and sends the sums to all.</summary>
    /// <param name="accumulates">Whether they are added to those of the batch before.</param>
    /// <returns>Whether they had come.</returns>
    public bool TryAddUp(bool accumulates)
    {
        if (!_parts.TryEnd())
        {
            return false;
        }

        fixed (ushort* rounded = _rounded)
        fixed (byte* received = _received)
        {
            var parts = stackalloc void*[_ranks];
            for (var rank = 0; rank < _ranks; rank++)
            {
                parts[rank] = received + (nint)rank * (_received.Length / _ranks);
            }

            parts[_rank] = _rounded is null ? _part + _start : rounded + _start;
            _kernels.AddUp(parts, _ranks, 0, _count, _total + _start, accumulates);
            if (_rounded is not null)
            {
                _kernels.Round(_total + _start, rounded + _start, _count);
            }
        }

        _sums.Begin();
        return true;
    }

    /// <summary>Takes the sums of all blocks further, which were begun by <see cref="TryAddUp"/>.</summary>
    public void MoveOn() => _sums.TryEnd();

    /// <summary>Takes the sums of all blocks, if they have come.</summary>
    /// <returns>Whether they had.</returns>
    public bool TryFinish()
    {
        if (!_sums.TryEnd())
        {
            return false;
        }

        if (_rounded is not null)
        {
            fixed (ushort* rounded = _rounded)
            {
                void* sums = rounded;
                _kernels.AddUp(&sums, 1, 0, _size, _total, accumulates: false);
            }
        }

        return true;
    }
}
