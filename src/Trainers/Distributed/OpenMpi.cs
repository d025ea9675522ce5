using System.Numerics;
using System.Runtime.InteropServices;

namespace Microsoft.ML.ResNet.Trainers.Distributed;

/// <summary>The processes that a launcher of Open MPI started, through its library, which is looked for when it is needed.</summary>
/// <remarks>
/// Open MPI 4 and 5 have the same binary interface: <c>libmpi.so.40</c>, whose handles are the addresses of exported variables. MPICH has
/// numbers in their place. By default Open MPI ends the whole job when one of its functions fails, and so does it here.
/// </remarks>
internal sealed unsafe class OpenMpi : ICollective
{
    private const int ThreadsTakeTurns = 2; // MPI_THREAD_SERIALIZED
    private const int Success = 0;
    private const int LargestMessage = 1 << 30;

    // Up to so many bytes, what all ranks have is sent to all: one message in the place of two.
    private const int Small = 1 << 15;

    private static readonly string[] Names = ["libmpi.so.40", "libmpi.so", "libmpi.40.dylib"];
    private static readonly Lock Gate = new();
    private static OpenMpi? _instance; // MPI can be started once in a process

    private readonly delegate* unmanaged[Cdecl]<void*, int, nint, void*, int, nint, nint, int> _allGather, _allToAll;
    private readonly delegate* unmanaged[Cdecl]<void*, int*, int*, nint, void*, int*, int*, nint, nint, int> _exchange;
    private readonly delegate* unmanaged[Cdecl]<void*, int*, int*, nint, void*, int*, int*, nint, nint, nint*, int> _beginAllToAll;
    private readonly delegate* unmanaged[Cdecl]<void*, int, nint, void*, int*, int*, nint, nint, nint*, int> _beginAllGather;
    private readonly delegate* unmanaged[Cdecl]<void*, int, nint, void*, int, nint, nint, nint*, int> _beginSum;
    private readonly delegate* unmanaged[Cdecl]<nint*, int*, void*, int> _test;
    private readonly delegate* unmanaged[Cdecl]<void*, int, nint, int, nint, int> _broadcast;
    private readonly delegate* unmanaged[Cdecl]<nint, int> _barrier;
    private readonly delegate* unmanaged[Cdecl]<nint, int, int> _abort;
    private readonly delegate* unmanaged[Cdecl]<int> _finalize;
    private readonly nint _world, _byte, _float, _double;

    // Of each kind of exchange that goes on beside others: each begins its own in the same order on all ranks, but not one in step with the
    // other.
    private readonly nint _allToAlls, _allGathers, _sums;
    private byte[] _sent = [], _received = [], _parts = [];
    private nint _sum; // the one that is under way

    private OpenMpi(nint library)
    {
        _world = Export("ompi_mpi_comm_world");
        (_byte, _float, _double) = (Export("ompi_mpi_byte"), Export("ompi_mpi_float"), Export("ompi_mpi_double"));
        _allGather = (delegate* unmanaged[Cdecl]<void*, int, nint, void*, int, nint, nint, int>)Export("MPI_Allgather");
        _allToAll = (delegate* unmanaged[Cdecl]<void*, int, nint, void*, int, nint, nint, int>)Export("MPI_Alltoall");
        _beginAllToAll = (delegate* unmanaged[Cdecl]<void*, int*, int*, nint, void*, int*, int*, nint, nint, nint*, int>)
            Export("MPI_Ialltoallv");
        _beginAllGather = (delegate* unmanaged[Cdecl]<void*, int, nint, void*, int*, int*, nint, nint, nint*, int>)
            Export("MPI_Iallgatherv");
        _beginSum = (delegate* unmanaged[Cdecl]<void*, int, nint, void*, int, nint, nint, nint*, int>)Export("MPI_Iallgather");
        _test = (delegate* unmanaged[Cdecl]<nint*, int*, void*, int>)Export("MPI_Test");
        _exchange = (delegate* unmanaged[Cdecl]<void*, int*, int*, nint, void*, int*, int*, nint, nint, int>)Export("MPI_Alltoallv");
        _broadcast = (delegate* unmanaged[Cdecl]<void*, int, nint, int, nint, int>)Export("MPI_Bcast");
        _barrier = (delegate* unmanaged[Cdecl]<nint, int>)Export("MPI_Barrier");
        _abort = (delegate* unmanaged[Cdecl]<nint, int, int>)Export("MPI_Abort");
        _finalize = (delegate* unmanaged[Cdecl]<int>)Export("MPI_Finalize");
        var start = (delegate* unmanaged[Cdecl]<void*, void*, int, int*, int>)Export("MPI_Init_thread");
        var copy = (delegate* unmanaged[Cdecl]<nint, nint*, int>)Export("MPI_Comm_dup");
        var askRank = (delegate* unmanaged[Cdecl]<nint, int*, int>)Export("MPI_Comm_rank");
        var askSize = (delegate* unmanaged[Cdecl]<nint, int*, int>)Export("MPI_Comm_size");
        int provided, rank, size;
        Check(start(null, null, ThreadsTakeTurns, &provided), "MPI_Init_thread");
        Check(askRank(_world, &rank), "MPI_Comm_rank");
        Check(askSize(_world, &size), "MPI_Comm_size");
        (Rank, Size) = (rank, size);
        nint allToAlls, allGathers, sums;
        Check(copy(_world, &allToAlls), "MPI_Comm_dup");
        Check(copy(_world, &allGathers), "MPI_Comm_dup");
        Check(copy(_world, &sums), "MPI_Comm_dup");
        (_allToAlls, _allGathers, _sums) = (allToAlls, allGathers, sums);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Finish();
        if (provided < ThreadsTakeTurns)
        {
            throw new InvalidOperationException(
                "This Open MPI was built without threads: calls from more than one, one at a time, are needed (MPI_THREAD_SERIALIZED). "
                + "Install a build that has them, as those of Debian and Ubuntu do.");
        }

        nint Export(string name) => NativeLibrary.TryGetExport(library, name, out var address)
            ? address
            : throw new DllNotFoundException(
                $"The library libmpi that was found has no '{name}': it is not Open MPI's. "
                + "Install Open MPI 4 or 5 (Debian and Ubuntu: apt-get install openmpi-bin libopenmpi3), and start with its mpirun.");
    }

    public int Rank { get; }

    public int Size { get; }

    /// <summary>Connects this process to those that a launcher started.</summary>
    /// <exception cref="DllNotFoundException">Open MPI is not installed.</exception>
    /// <exception cref="InvalidOperationException">It knows of other processes than the launcher told.</exception>
    public static ICollective Join(Launcher launcher)
    {
        lock (Gate)
        {
            if (_instance is null)
            {
                // A rank that waits for others leaves its core to a thread that has work, as its own loader of batches.
                NativeEnvironment.SetDefault("OMPI_MCA_mpi_yield_when_idle", "1");
                _instance = new OpenMpi(Load(launcher));
            }

            return _instance.Size == launcher.Size && _instance.Rank == launcher.Rank
                ? _instance
                : throw new InvalidOperationException(
                    $"{TrainingJob.Describe(launcher)}, but for the library of Open MPI it is rank {_instance.Rank} of {_instance.Size}: "
                    + "the two are of different installations. Start with the mpirun that belongs to the library, or put the library that "
                    + "belongs to mpirun first in LD_LIBRARY_PATH.");
        }
    }

    public void AllReduce(ReadOnlySpan<float> part, Span<float> total) => AllReduce(part, total, _float);

    public void AllReduce(ReadOnlySpan<double> part, Span<double> total) => AllReduce(part, total, _double);

    // The numbers are added by us, here too. What is under way reads and writes this room alone, which is pinned.
    public void BeginSum(ReadOnlySpan<double> part)
    {
        const nint inPlace = 1; // MPI_IN_PLACE
        var parts = Room<double>(ref _parts, part.Length * Size);
        part.CopyTo(parts[(Rank * part.Length)..]);
        nint request;
        fixed (double* values = parts)
        {
            Check(_beginSum((void*)inPlace, 0, _double, values, part.Length, _double, _sums, &request), "MPI_Iallgather");
        }

        _sum = request;
    }

    public bool TryEndSum(Span<double> total)
    {
        var request = _sum;
        int isOver;
        Check(_test(&request, &isOver, null), "MPI_Test");
        _sum = request; // of one that is over a null, which stays over
        if (isOver == 0)
        {
            return false;
        }

        total.Clear();
        OrderedSum.AddAll(Room<double>(ref _parts, total.Length * Size), total);
        return true;
    }

    public void AllGather(long value, Span<long> all)
    {
        fixed (long* to = all[..Size])
        {
            Check(_allGather(&value, sizeof(long), _byte, to, sizeof(long), _byte, _world), "MPI_Allgather");
        }
    }

    public void Broadcast(Span<byte> values, int from = 0)
    {
        while (!values.IsEmpty)
        {
            var part = values[..Math.Min(values.Length, LargestMessage)];
            fixed (byte* bytes = part)
            {
                Check(_broadcast(bytes, part.Length, _byte, from, _world), "MPI_Bcast");
            }

            values = values[part.Length..];
        }
    }

    public void Exchange(
        ReadOnlySpan<byte> sent, ReadOnlySpan<int> sentCounts, Span<byte> received, ReadOnlySpan<int> receivedCounts)
    {
        Span<int> sentStarts = stackalloc int[Size], receivedStarts = stackalloc int[Size];
        for (var rank = 1; rank < Size; rank++)
        {
            sentStarts[rank] = sentStarts[rank - 1] + sentCounts[rank - 1];
            receivedStarts[rank] = receivedStarts[rank - 1] + receivedCounts[rank - 1];
        }

        fixed (byte* from = sent, to = received)
        fixed (int* fromCounts = sentCounts, fromStarts = sentStarts, toCounts = receivedCounts, toStarts = receivedStarts)
        {
            Check(_exchange(from, fromCounts, fromStarts, _byte, to, toCounts, toStarts, _byte, _world), "MPI_Alltoallv");
        }
    }

    public IExchange PrepareAllToAll(void* sent, void* received, int[] blocks)
    {
        var (sentCounts, sentStarts) = (Pinned(rank => rank == Rank ? 0 : blocks[rank]), Starts(blocks));
        var (receivedCounts, receivedStarts) = (Pinned(rank => rank == Rank ? 0 : blocks[Rank]), Pinned(rank => rank * blocks[Rank]));
        return new Request(this, () =>
        {
            nint request;
            fixed (int* fromCounts = sentCounts, fromStarts = sentStarts, toCounts = receivedCounts, toStarts = receivedStarts)
            {
                Check(
                    _beginAllToAll(
                        sent, fromCounts, fromStarts, _byte, received, toCounts, toStarts, _byte, _allToAlls, &request),
                    "MPI_Ialltoallv");
            }

            return request;
        });
    }

    public IExchange PrepareAllGather(void* values, int[] blocks)
    {
        const nint inPlace = 1; // MPI_IN_PLACE
        var (counts, starts) = (Pinned(rank => blocks[rank]), Starts(blocks));
        return new Request(this, () =>
        {
            nint request;
            fixed (int* toCounts = counts, toStarts = starts)
            {
                Check(
                    _beginAllGather((void*)inPlace, 0, _byte, values, toCounts, toStarts, _byte, _allGathers, &request),
                    "MPI_Iallgatherv");
            }

            return request;
        });
    }

    public void Barrier() => Check(_barrier(_world), "MPI_Barrier");

    public void Abort(string reason)
    {
#pragma warning disable RS0030 // the process ends here, and its program has no chance to tell why
        Console.Error.WriteLine(reason);
        Console.Error.Flush();
#pragma warning restore RS0030
        _abort(_world, 1);
    }

    // The numbers are added by us, not by MPI, which leaves the order to its algorithm.
    private void AllReduce<T>(ReadOnlySpan<T> part, Span<T> total, nint type)
        where T : unmanaged, INumber<T>
    {
        if ((long)part.Length * sizeof(T) <= Small)
        {
            var all = Room<T>(ref _received, part.Length * Size);
            Exchange(_allGather, part, all, part.Length, type, "MPI_Allgather");
            OrderedSum.AddAll(all, total);
            return;
        }

        // Each rank adds up a block of its own, of which all others send it their parts, and then sends it to all.
        var block = (part.Length + Size - 1) / Size;
        var sent = Room<T>(ref _sent, block * Size);
        var received = Room<T>(ref _received, block * Size);
        part.CopyTo(sent);
        sent[part.Length..].Clear();
        Exchange(_allToAll, sent, received, block, type, "MPI_Alltoall");
        var start = Math.Min(Rank * block, total.Length);
        var own = total.Slice(start, Math.Min(block, total.Length - start));
        for (var rank = 0; rank < Size; rank++)
        {
            OrderedSum.Add(received.Slice(rank * block, own.Length), own);
        }

        own.CopyTo(sent);
        Exchange(_allGather, sent[..block], received, block, type, "MPI_Allgather");
        received[..total.Length].CopyTo(total);
    }

    private void Exchange<T>(
        delegate* unmanaged[Cdecl]<void*, int, nint, void*, int, nint, nint, int> function,
        ReadOnlySpan<T> from,
        Span<T> to,
        int count,
        nint type,
        string name)
        where T : unmanaged
    {
        fixed (T* source = from, target = to)
        {
            Check(function(source, count, type, target, count, type, _world), name);
        }
    }

    private int[] Starts(int[] blocks) => Pinned(rank => blocks.AsSpan(0, rank).ToArray().Sum());

    // MPI reads the numbers of an exchange until it is over.
    private int[] Pinned(Func<int, int> ofRank)
    {
        var numbers = GC.AllocateUninitializedArray<int>(Size, pinned: true);
        for (var rank = 0; rank < Size; rank++)
        {
            numbers[rank] = ofRank(rank);
        }

        return numbers;
    }

    // Pinned: it is large, and stays.
    private static Span<T> Room<T>(ref byte[] buffer, int count)
        where T : unmanaged
    {
        if (buffer.Length < (long)count * sizeof(T))
        {
            buffer = GC.AllocateUninitializedArray<byte>(checked(count * sizeof(T)), pinned: true);
        }

        return MemoryMarshal.Cast<byte, T>(buffer.AsSpan())[..count];
    }

    private static nint Load(Launcher launcher)
    {
        foreach (var name in Names)
        {
            if (NativeLibrary.TryLoad(name, out var library))
            {
                return library;
            }
        }

        throw new DllNotFoundException(
            $"{TrainingJob.Describe(launcher)}, but Open MPI's library {Names[0]} is not found on {Environment.MachineName}. Install it on "
            + "every machine (Debian and Ubuntu: apt-get install openmpi-bin libopenmpi3), or put its folder into LD_LIBRARY_PATH. "
            + "To train in each process by itself, set Distributed to Off.");
    }

    private static void Check(int result, string function)
    {
        if (result != Success)
        {
            throw new InvalidOperationException($"Open MPI's {function} failed with the code {result}.");
        }
    }

    // Waits for the other ranks. A process that ends in the middle of training, as by SIGTERM, has no time for that.
    private void Finish()
    {
        if (!TrainingJob.IsRunning)
        {
            _ = _finalize();
        }
    }

    /// <param name="mpi">The processes.</param>
    /// <param name="begin">Begins the exchange, and gives its handle. It keeps alive what MPI reads until the exchange is over.</param>
    private sealed class Request(OpenMpi mpi, Func<nint> begin) : IExchange
    {
        private nint _handle;
        private bool _isOver = true;

        public void Begin() => (_handle, _isOver) = (begin(), false);

        public bool TryEnd()
        {
            if (_isOver)
            {
                return true;
            }

            var handle = _handle;
            int isOver;
            Check(mpi._test(&handle, &isOver, null), "MPI_Test"); // null: no status is asked for
            return _isOver = isOver != 0;
        }
    }
}
