using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;
using Microsoft.ML.ResNet.Trainers.Interop;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>
/// Keeps the images of a run: in memory up to a limit, then in a file for as long as the disk has room; those past that are decoded from
/// their own files each time. Large blocks hold many images each, so that the garbage collector has nothing to walk.
/// </summary>
/// <remarks>
/// Any number of threads may add and read. What was read must not be used after <see cref="Dispose"/>. Where an image is kept changes
/// nothing but the time it takes.
/// </remarks>
/// <typeparam name="T">byte or float.</typeparam>
internal sealed class ImageStore<T> : IDisposable
    where T : unmanaged, INumberBase<T>
{
    private const int BlockBytes = 64 << 20;
    private const int SmallestBlockBytes = 1 << 20;

    private readonly Lock _lock = new();
    private readonly long _memoryLimit;
    private readonly PixelFile? _file;
    private Block[] _blocks = []; // replaced, never written to: readers take no lock
    private long _memory;

    /// <param name="memoryLimit">The most bytes to keep in memory; 0 for none.</param>
    /// <param name="file">Where the rest goes, which the store then owns; null for nowhere.</param>
    public ImageStore(long memoryLimit, PixelFile? file)
    {
        _memoryLimit = memoryLimit;
        _file = file;
    }

    /// <summary>Gets the source files of images that there is no room for; they are decoded again each time.</summary>
    /// <value>The default is <see langword="null"/>: there must be room for every image.</value>
    public Lazy<SourceFiles<T>>? Files { get; init; }

    /// <summary>Gets the bytes of memory that the store uses.</summary>
    public long MemoryBytes => _memory;

    /// <summary>Gets the bytes of the file.</summary>
    public long FileBytes => _file?.Length ?? 0;

    /// <summary>Gets the number of images that are decoded again each time.</summary>
    public int FileCount => Files is { IsValueCreated: true } files ? files.Value.Count : 0;

    /// <summary>Makes a store within limits.</summary>
    /// <param name="limits">The memory and disk space that images may use.</param>
    /// <param name="taken">The bytes of that memory that are already in use.</param>
    /// <param name="files">Makes what decodes the images that there is no room for.</param>
    public static ImageStore<T> Within(CacheLimits limits, long taken = 0, Func<SourceFiles<T>>? files = null)
    {
        var limit = limits.MemoryBytes is { } bytes ? bytes - taken : AvailableMemory.Bytes() / 2;
        var file = new PixelFile(limits.Folder, limits.DiskReserve);
        return new ImageStore<T>(Math.Max(0, limit), file) { Files = files is null ? null : new Lazy<SourceFiles<T>>(files) };
    }

    /// <summary>Checks that there is room.</summary>
    /// <param name="bytes">The bytes that will be added.</param>
    /// <param name="what">What will be added, for the message.</param>
    /// <exception cref="InvalidOperationException">There is not enough room.</exception>
    public void CheckRoom(long bytes, string what)
    {
        if (bytes > _memoryLimit - _memory && bytes > _memoryLimit - _memory + (_file?.Room() ?? 0))
        {
            throw NoRoom($"{what}, {Format(bytes)},");
        }
    }

    /// <summary>Copies an image.</summary>
    /// <returns>The image's entry; null if neither memory nor the disk has room.</returns>
    public ImageEntry? TryAdd(in StoredImage<T> image) =>
        TryAdd(image.Pixels, out var place) ? EntryOf(in image, place) : null;

    /// <summary>Adds an image that will be decoded from its file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="whole">Whether the whole image is kept.</param>
    /// <param name="image">The image as it was decoded the first time.</param>
    public ImageEntry AddFile(string path, bool whole, in StoredImage<T> image)
    {
        var files = Files ?? throw NoRoom($"Image '{path}'");
        return EntryOf(in image, ImageEntry.PlaceOfFile(files.Value.Add(path, whole)));
    }

    /// <summary>Gets an image's pixels.</summary>
    public ReadOnlyMemory<T> Get(in ImageEntry entry)
    {
        if (entry.IsInFile)
        {
            return Files!.Value.Read(in entry);
        }

        var block = Volatile.Read(ref _blocks)[(int)(entry.Place >> 32)];
        return (block.Array ?? block.Mapped!.Memory).Slice((int)(entry.Place & uint.MaxValue), entry.Length);
    }

    /// <summary>Makes the error for something that does not fit, which says what to do about it.</summary>
    /// <param name="what">What does not fit.</param>
    public InvalidOperationException NoRoom(string what) => new(
        $"{what} must be kept, but CacheBytes allows {Format(_memoryLimit)} in memory, "
        + $"and folder '{_file?.Folder}' has room for {Format(_file?.Room() ?? 0)} "
        + $"beside the {Format(_file?.Reserve ?? 0)} that are left free. "
        + "Raise CacheBytes, make room on the disk, or set CheckpointFolder to a folder on a larger one. "
        + "(Images that come straight from files, as LoadImages reads them, need no room: they are decoded anew in each epoch. "
        + "Those of LoadImageShards need none with StreamShards.)");

    /// <summary>
    /// Releases the memory into which the operating system has read the file, since it may count as the process's own memory.
    /// </summary>
    public void ReleasePages()
    {
        foreach (var block in _blocks)
        {
            block.Mapped?.Unmap();
        }
    }

    public void Dispose()
    {
        foreach (var block in _blocks)
        {
            block.Mapped?.Unmap();
        }

        _blocks = [];
        _file?.Dispose();
        if (Files is { IsValueCreated: true })
        {
            Files.Value.Dispose();
        }
    }

    private bool TryAdd(ReadOnlySpan<T> pixels, out long place)
    {
        Block block;
        lock (_lock)
        {
            if (!TryFindRoom(pixels.Length, out var index))
            {
                place = 0;
                return false;
            }

            block = _blocks[index];
            place = ((long)index << 32) | (uint)block.Used;
            block.Used += pixels.Length;
        }

        var start = (int)(place & uint.MaxValue);
        if (block.Array is null)
        {
            return block.Mapped!.TryWrite(start, pixels);
        }

        pixels.CopyTo(block.Array.AsSpan(start));
        return true;
    }

    private static ImageEntry EntryOf(in StoredImage<T> image, long place) =>
        new(place, image.Values.Length, image.Height, image.Width, image.Label, image.Weight);

    private static string Format(long bytes) => bytes < 1 << 20
        ? string.Create(CultureInfo.InvariantCulture, $"{bytes} bytes")
        : string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1 << 20):n0} MiB");

    // In the block that was filled last, or in a new one: in memory if the limit allows, otherwise in the file.
    private bool TryFindRoom(int length, out int index)
    {
        index = _blocks.Length - 1;
        if (index >= 0 && _blocks[index].Length - _blocks[index].Used >= length)
        {
            return true;
        }

        // The first blocks are small, for small data.
        var size = (long)Unsafe.SizeOf<T>();
        var wanted = Math.Max(length, Math.Clamp(_memory, SmallestBlockBytes, BlockBytes) / size);
        var inMemory = Math.Min(wanted, (_memoryLimit - _memory) / size);
        Block block;
        if (inMemory >= length)
        {
            block = new Block((int)inMemory) { Array = GC.AllocateUninitializedArray<T>((int)inMemory) };
            _memory += inMemory * size;
        }
        else if (_file?.TryExtend(Math.Max(length * size, BlockBytes), length * size) is { } extent)
        {
            var count = (int)(extent.Length / size);
            block = new Block(count) { Mapped = new MappedBlock<T>(_file, extent.Offset, count) };
        }
        else
        {
            return false;
        }

        Volatile.Write(ref _blocks, [.. _blocks, block]);
        index++;
        return true;
    }

    private sealed class Block(int length)
    {
        public int Length => length;

        public int Used { get; set; }

        public T[]? Array { get; init; }

        public MappedBlock<T>? Mapped { get; init; }
    }
}

/// <summary>The memory and disk space that the decoded images of a run may use.</summary>
/// <param name="MemoryBytes">The most bytes in memory; null for half of the memory that is still available to the process.</param>
/// <param name="Folder">The folder of the file that holds the images that do not fit into memory.</param>
/// <param name="DiskReserve">The bytes of the disk that are left free.</param>
internal sealed record CacheLimits(long? MemoryBytes, string Folder, long DiskReserve);
