using Microsoft.ML.ResNet.Trainers.Distributed;
using Microsoft.ML.ResNet.Trainers.Kernels;

namespace Microsoft.ML.ResNet.Trainers.Compiled;

/// <summary>Some gradients, one after another in memory, which are added up over the processes while the backward pass goes on.</summary>
/// <remarks>
/// Each process adds up a block of them, of which the others send it their parts, in the order of the processes, and then sends it to all:
/// as many bytes as a ring sends. MPI's own sum would leave the order of additions to its algorithm.
/// </remarks>
/// <param name="ranks">The processes.</param>
/// <param name="offset">The place of the first gradient among all.</param>
/// <param name="size">How many there are.</param>
/// <param name="format">The format in which they are sent.</param>
internal sealed unsafe class GradientBucket(ICollective ranks, int offset, int size, GradientExchange format)
{
    private readonly int _block = (size + ranks.Size - 1) / ranks.Size;
    private readonly int _bytes = format == GradientExchange.BFloat16 ? sizeof(ushort) : sizeof(float);
    private readonly ActivationKernels _kernels =
        ActivationKernels.For(bfloat16: format == GradientExchange.BFloat16, ActivationKernels.WidestLanes);

    private byte[] _sent = [], _received = [], _own = [], _all = [];
    private IExchange? _parts, _sums;

    /// <summary>Sends the other processes the parts of their blocks.</summary>
    /// <param name="part">This process's gradients, of all weights.</param>
    public void Begin(float* part)
    {
        if (_sent.Length == 0)
        {
            var room = _block * ranks.Size * _bytes;
            (_sent, _received, _all) = (Room(room), Room(room), Room(room));
            _own = Room(_block * _bytes);
        }

        fixed (byte* sent = _sent)
        {
            _kernels.Round(part + offset, sent, size);
        }

        (_parts, _sums) = (ranks.BeginAllToAll(_sent, _received, _block * _bytes), null);
    }

    /// <summary>Adds up the own block, if the parts of it have come, and sends the sums to all.</summary>
    /// <param name="total">The sums over all processes, of all weights, which are added to.</param>
    /// <param name="waits">Whether to wait for the parts.</param>
    /// <returns>Whether they had come.</returns>
    public bool AddUp(float* total, bool waits)
    {
        if (!_parts!.IsOver(waits))
        {
            return false;
        }

        var start = Math.Min(ranks.Rank * _block, size);
        var count = Math.Min(_block, size - start);
        fixed (byte* received = _received, own = _own)
        {
            for (var rank = 0; rank < ranks.Size; rank++)
            {
                void* part = received + (nint)rank * _block * _bytes;
                _kernels.AddUp(&part, 1, 0, count, total + offset + start, accumulates: true);
            }

            _kernels.Round(total + offset + start, own, count);
        }

        _sums = ranks.BeginAllGather(_own, _all, _block * _bytes);
        return true;
    }

    /// <summary>Waits for the sums of all blocks.</summary>
    /// <param name="total">Takes them, where those of all weights are.</param>
    public void Finish(float* total)
    {
        _sums!.IsOver(waits: true);
        fixed (byte* all = _all)
        {
            void* sums = all;
            _kernels.AddUp(&sums, 1, 0, size, total + offset, accumulates: false);
        }

        (_parts, _sums) = (null, null);
    }

    // Pinned: exchanges go on while the garbage collector may run.
    private static byte[] Room(int bytes) => GC.AllocateUninitializedArray<byte>(bytes, pinned: true);
}
