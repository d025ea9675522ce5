using System.Runtime.InteropServices;

namespace Microsoft.ML.ResNet.Interop;

/// <summary>
/// Memory outside of .NET's heap, of which only what is written takes room. Linux is asked for huge pages, of 2 MB: a page that is
/// touched for the first time costs a fault, and weights have hundreds of times as many of the usual ones, of 4 kB.
/// </summary>
internal sealed unsafe partial class LargeMemory : IDisposable
{
    private const nuint HugePage = 2 << 20;
    private const int UseHugePages = 14; // MADV_HUGEPAGE

    private byte* _start;

    /// <summary>Reserves memory.</summary>
    /// <param name="capacity">The number of bytes.</param>
    public LargeMemory(long capacity)
    {
        var size = ((nuint)capacity + HugePage - 1) / HugePage * HugePage;
        _start = (byte*)NativeMemory.AlignedAlloc(Math.Max(size, HugePage), HugePage);
        Capacity = capacity;
        if (OperatingSystem.IsLinux())
        {
            _ = Advise(_start, size, UseHugePages); // where it does not, pages are of the usual size
        }
    }

    ~LargeMemory() => Free();

    public long Capacity { get; }

    /// <summary>Gets where it begins, at a multiple of 2 MB.</summary>
    public byte* Start
    {
        get
        {
            ObjectDisposedException.ThrowIf(_start == null, this);
            return _start;
        }
    }

    /// <summary>Opens it for writing, from its start.</summary>
    public Stream OpenWrite() => new UnmanagedMemoryStream(Start, 0, Capacity, FileAccess.Write);

    /// <summary>Gets a part. It is valid until this is disposed of.</summary>
    public Span<byte> Slice(long offset, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Capacity - offset);
        return new Span<byte>(Start + offset, checked((int)length));
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        NativeMemory.AlignedFree(_start);
        _start = null;
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(byte* start, nuint length, int advice);
}
