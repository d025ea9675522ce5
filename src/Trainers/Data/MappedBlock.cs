using System.Buffers;
using System.IO.MemoryMappedFiles;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>A part of the cache file: written as a file is, and mapped into memory when it is first read.</summary>
/// <remarks>
/// Written through a mapping, a disk that runs full would kill the process; written as a file, it is an error that can be handled.
/// </remarks>
/// <param name="file">The file.</param>
/// <param name="offset">Where the part starts, in bytes.</param>
/// <param name="length">Its length, in values.</param>
internal sealed unsafe class MappedBlock<T>(PixelFile file, long offset, int length) : MemoryManager<T>
    where T : unmanaged
{
    private readonly Lock _lock = new();
    private MemoryMappedViewAccessor? _view;
    private byte* _pointer;

    /// <summary>Writes values.</summary>
    /// <returns>False if the disk is full.</returns>
    public bool TryWrite(int start, ReadOnlySpan<T> values) =>
        file.TryWrite(offset + (long)start * Unsafe.SizeOf<T>(), MemoryMarshal.AsBytes(values));

    public override Span<T> GetSpan()
    {
        if (_pointer == null)
        {
            Map();
        }

        return new Span<T>(_pointer, length);
    }

    public override MemoryHandle Pin(int elementIndex = 0)
    {
        var span = GetSpan();
        return new MemoryHandle(Unsafe.AsPointer(ref span[elementIndex]), pinnable: this);
    }

    public override void Unpin()
    {
    }

    /// <summary>Releases the memory; the next read maps it again. Not to be called while another thread reads.</summary>
    public void Unmap()
    {
        lock (_lock)
        {
            if (_view is null)
            {
                return;
            }

            _pointer = null;
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
            _view.Dispose();
            _view = null;
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Unmap();
        }
    }

    private void Map()
    {
        lock (_lock)
        {
            if (_view is not null)
            {
                return;
            }

            _view = file.Map(offset, (long)length * Unsafe.SizeOf<T>());
            byte* pointer = null;
            _view.SafeMemoryMappedViewHandle.AcquirePointer(ref pointer);
            _pointer = pointer + _view.PointerOffset;
        }
    }
}
