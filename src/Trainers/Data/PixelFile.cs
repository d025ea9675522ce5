using System.IO.MemoryMappedFiles;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>
/// A file that holds decoded images while a run lasts. Only this user can read it. It is made when it is first needed, and is deleted when
/// the process ends, even if it is killed: on Unix it loses its name as soon as it is open, on Windows the system deletes it on closing.
/// </summary>
/// <param name="folder">Where it is made; the folder is made if it does not exist.</param>
/// <param name="reserve">The bytes of the disk that are left to others.</param>
internal sealed class PixelFile(string folder, long reserve) : IDisposable
{
    /// <summary>The bytes that are left free on the disk for checkpoints, models and other programs.</summary>
    public const long DefaultReserve = 1L << 30;

    private FileStream? _file;
    private bool _isFull;

    /// <summary>Gets the folder.</summary>
    public string Folder => folder;

    /// <summary>Gets the bytes of the disk that are left to others.</summary>
    public long Reserve => reserve;

    /// <summary>Gets its length in bytes.</summary>
    public long Length { get; private set; }

    /// <summary>Gets the bytes that may be added.</summary>
    /// <returns>The bytes; 0 where the folder is on a RAM disk, or cannot be written to.</returns>
    public long Room()
    {
        try
        {
            Directory.CreateDirectory(folder);
            var drive = new DriveInfo(Path.GetFullPath(folder));
            return drive.DriveType == DriveType.Ram ? 0 : Math.Max(0, drive.AvailableFreeSpace - reserve);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return 0;
        }
    }

    /// <summary>Makes the file longer. Not to be called by two threads at once.</summary>
    /// <param name="wanted">The bytes to add, if there is room for so many.</param>
    /// <param name="least">The fewest bytes that are worth adding.</param>
    /// <returns>Where the added bytes are; null if the disk has no room.</returns>
    public (long Offset, long Length)? TryExtend(long wanted, long least)
    {
        var room = Room();
        var page = Environment.SystemPageSize; // each part is mapped by itself
        var length = (Math.Max(least, Math.Min(wanted, room - page)) + page - 1) / page * page;
        if (_isFull || length > room)
        {
            return null;
        }

        try
        {
            _file ??= Create();
            _file.SetLength(Length + length);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            _isFull = true;
            return null;
        }

        Length += length;
        return (Length - length, length);
    }

    /// <summary>Writes bytes into a part that was added.</summary>
    /// <returns>False if the disk is full.</returns>
    public bool TryWrite(long offset, ReadOnlySpan<byte> bytes)
    {
        try
        {
            RandomAccess.Write(_file!.SafeFileHandle, bytes, offset);
            return true;
        }
        catch (IOException)
        {
            _isFull = true;
            return false;
        }
    }

    /// <summary>Maps a part of the file for reading.</summary>
    public MemoryMappedViewAccessor Map(long offset, long length)
    {
        using var map = MemoryMappedFile.CreateFromFile(
            _file!, mapName: null, capacity: 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        return map.CreateViewAccessor(offset, length, MemoryMappedFileAccess.Read);
    }

    public void Dispose() => _file?.Dispose();

    private FileStream Create()
    {
        var path = Path.Combine(folder, $"images-{Guid.NewGuid():n}.tmp");
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Share = FileShare.None,
            BufferSize = 0,
        };
        if (OperatingSystem.IsWindows())
        {
            options.Options = FileOptions.DeleteOnClose;
            return new FileStream(path, options);
        }

        options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        var file = new FileStream(path, options);
        File.Delete(path);
        return file;
    }
}
