using System.IO.Compression;
using static Microsoft.ML.ResNet.Files.ErrorText;

namespace Microsoft.ML.ResNet.Files;

/// <summary>A zip file of which no more is decompressed, and no longer directory is read, than its size explains.</summary>
internal sealed class BoundedArchive : IDisposable
{
    private const int MaxDirectoryBytes = 4 << 20; // about 80 bytes for a tensor
    private const int BestDeflation = 1032; // https://zlib.net/zlib_tech.html: no format of deflate does better

    private readonly ZipArchive _archive;
    private readonly Dictionary<string, ZipArchiveEntry> _entries = [];
    private readonly MemoryAllowance _allowance;
    private long _bytesLeft;

    private BoundedArchive(ZipArchive archive, MemoryAllowance allowance)
    {
        _archive = archive;
        _allowance = allowance;
        _bytesLeft = allowance.ExpandedBytes;
    }

    /// <summary>The names of the files, with forward slashes.</summary>
    public IReadOnlyCollection<string> Names => _entries.Keys;

    public static BoundedArchive Open(Stream stream, MemoryAllowance allowance)
    {
        var metered = new MeteredStream(stream, MaxDirectoryBytes, "its directory is too long");
        var archive = new BoundedArchive(new ZipArchive(metered, ZipArchiveMode.Read, leaveOpen: true), allowance);
        archive.ReadDirectory();
        metered.BytesLeft = long.MaxValue;
        return archive;
    }

    public bool Contains(string name) => _entries.ContainsKey(name);

    /// <summary>Opens an entry; its stream gives no more than the length.</summary>
    public Stream Open(string name, out long length)
    {
        var entry = _entries.TryGetValue(name, out var found)
            ? found
            : throw new InvalidDataException($"it lacks the entry {Quote(name)}");
        length = entry.Length;
        if (length > Math.Min(_bytesLeft, entry.CompressedLength * BestDeflation))
        {
            throw new InvalidDataException(
                $"its entry {Quote(name)} claims {length:n0} bytes, more than a file of {_allowance.FileLength:n0} bytes should become");
        }

        _bytesLeft -= length;
        return new MeteredStream(entry.Open(), length, $"its entry {Quote(name)} is longer than it says");
    }

    /// <summary>Reads an entry whole.</summary>
    public byte[] Read(string name, long maxLength)
    {
        using var stream = Open(name, out var length);
        if (length > maxLength)
        {
            throw new InvalidDataException($"its entry {Quote(name)} is {length:n0} bytes long, but at most {maxLength:n0} are read");
        }

        _allowance.Take(length);
        var bytes = new byte[length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    public void Dispose() => _archive.Dispose();

    // Nothing is ever unpacked to a path, so ".." could do no harm; but no program that we read the files of writes it.
    private void ReadDirectory()
    {
        foreach (var entry in _archive.Entries)
        {
            var name = entry.FullName.Replace('\\', '/');
            if (name.StartsWith('/') || name.Split('/').Contains(".."))
            {
                throw new InvalidDataException($"its entry {Quote(entry.FullName)} points outside of the archive");
            }

            if (!name.EndsWith('/') && !_entries.TryAdd(name, entry))
            {
                throw new InvalidDataException($"it has two entries {Quote(name)}");
            }
        }
    }
}
