using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Trainers;

namespace Cli;

/// <summary>
/// Messages to rank 0 from the other processes that <c>mpirun</c> or <c>srun --mpi=pmix</c> started, through Open MPI's library, which is
/// looked for only then.
/// </summary>
/// <remarks>A process that fails ends without <see cref="Finish"/>, by which the launcher knows that it has to end the others.</remarks>
internal sealed unsafe class RankMessages
{
    private const string Library = "libmpi.so.40";
    private const int ThreadsTakeTurns = 2; // MPI_THREAD_SERIALIZED
    private const int Tag = 0;
    private const int EagerLooks = 100; // before a wait of a millisecond between two looks

    private static readonly string[] Names = [Library, "libmpi.so", "libmpi.40.dylib"];

    private readonly delegate* unmanaged[Cdecl]<void*, int, nint, int, int, nint, int> _send;
    private readonly delegate* unmanaged[Cdecl]<void*, int, nint, int, int, nint, void*, int> _receive;
    private readonly delegate* unmanaged[Cdecl]<int, int, nint, int*, void*, int> _look;
    private readonly delegate* unmanaged[Cdecl]<int> _finalize;
    private readonly nint _world, _byte;

    private RankMessages(nint library)
    {
        (_world, _byte) = (Export("ompi_mpi_comm_world"), Export("ompi_mpi_byte")); // handles are addresses
        _send = (delegate* unmanaged[Cdecl]<void*, int, nint, int, int, nint, int>)Export("MPI_Send");
        _receive = (delegate* unmanaged[Cdecl]<void*, int, nint, int, int, nint, void*, int>)Export("MPI_Recv");
        _look = (delegate* unmanaged[Cdecl]<int, int, nint, int*, void*, int>)Export("MPI_Iprobe");
        _finalize = (delegate* unmanaged[Cdecl]<int>)Export("MPI_Finalize");
        var start = (delegate* unmanaged[Cdecl]<void*, void*, int, int*, int>)Export("MPI_Init_thread");
        var askSize = (delegate* unmanaged[Cdecl]<nint, int*, int>)Export("MPI_Comm_size");
        int provided, size;
        Check(start(null, null, ThreadsTakeTurns, &provided), "MPI_Init_thread");
        Check(askSize(_world, &size), "MPI_Comm_size");
        if (size != DistributedJob.Size)
        {
            throw new InvalidOperationException(
                $"The launcher started {DistributedJob.Size} processes, but for the library of Open MPI they are {size}: the two are of "
                + "different installations. Start with the mpirun that belongs to the library.");
        }

        nint Export(string name) => NativeLibrary.TryGetExport(library, name, out var address)
            ? address
            : throw new DllNotFoundException(
                $"The library libmpi that was found has no '{name}': it is not Open MPI's. "
                + "Install it (Debian and Ubuntu: apt-get install openmpi-bin libopenmpi3), and start with its mpirun.");
    }

    /// <summary>Connects this process to the others of its job.</summary>
    /// <exception cref="DllNotFoundException">Open MPI is not installed.</exception>
    public static RankMessages Connect()
    {
        foreach (var name in Names)
        {
            if (NativeLibrary.TryLoad(name, out var library))
            {
                return new RankMessages(library);
            }
        }

        throw new DllNotFoundException(
            $"This process is one of {DistributedJob.Size}, but Open MPI's library {Library}, by which they are joined, is not found on "
            + $"{Environment.MachineName}. Install it on every machine (Debian and Ubuntu: apt-get install openmpi-bin libopenmpi3).");
    }

    /// <summary>Sends bytes to rank 0, which may be busy: it waits until they are taken.</summary>
    public void Send(ReadOnlySpan<byte> bytes)
    {
        var length = bytes.Length;
        Check(_send(&length, sizeof(int), _byte, 0, Tag, _world), "MPI_Send");
        fixed (byte* values = bytes)
        {
            Check(_send(values, length, _byte, 0, Tag, _world), "MPI_Send");
        }
    }

    /// <summary>Waits for the next bytes that a rank sends, and leaves the core to others meanwhile.</summary>
    public byte[] Receive(int rank, CancellationToken cancellation)
    {
        for (var looks = 0; !IsThere(rank); looks++)
        {
            cancellation.ThrowIfCancellationRequested();
            if (looks > EagerLooks)
            {
                Thread.Sleep(1);
            }
        }

        int length;
        Check(_receive(&length, sizeof(int), _byte, rank, Tag, _world, null), "MPI_Recv");
        var bytes = new byte[length];
        fixed (byte* values = bytes)
        {
            Check(_receive(values, length, _byte, rank, Tag, _world, null), "MPI_Recv");
        }

        return bytes;
    }

    /// <summary>Ends the connection, together with all other ranks.</summary>
    public void Finish() => Check(_finalize(), "MPI_Finalize");

    private bool IsThere(int rank)
    {
        int isThere;
        Check(_look(rank, Tag, _world, &isThere, null), "MPI_Iprobe");
        return isThere != 0;
    }

    private static void Check(int result, string function)
    {
        if (result != 0)
        {
            throw new InvalidOperationException($"Open MPI's {function} failed with the code {result}.");
        }
    }
}
