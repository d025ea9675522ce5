using System.Globalization;
using System.Text;
using static Microsoft.ML.ResNet.Files.ErrorText;

namespace Microsoft.ML.ResNet.Files;

/// <summary>Reads the entries of a tar archive, one after another (POSIX.1-1988 "ustar", POSIX.1-2001 "pax", and GNU's variant).</summary>
/// <remarks>
/// System.Formats.Tar (of .NET 10) takes the memory that an extended header claims before a byte of it has come: 1.9 GB were measured for
/// an archive of 1 KB. Nothing in here takes more than one block, or, where extended headers are followed, a megabyte.
/// </remarks>
internal sealed class BoundedTarReader(Stream stream)
{
    private const int BlockLength = 512;
    private const int ChecksumAt = 148;
    private const int ChecksumLength = 8;
    private const int KindAt = 156;
    private const int LongestExtendedHeader = 1 << 20; // a path of 4 KB, a time, and what file systems attach to files
    private const int ShortestSeek = 1 << 16; // less is read through: it is in the stream's buffer already

    private readonly byte[] _block = new byte[BlockLength];
    private long _position;
    private long _unread; // of the current entry, with the zeros after it that fill its last block

    /// <summary>Gets whether extended headers change the entry that follows: its name of over 100 characters, its length of over
    /// 8 GB.</summary>
    /// <value>The default is <see langword="false"/>: they are entries like any other.</value>
    public bool FollowsExtendedHeaders { get; init; }

    /// <summary>Gets how many bytes of the archive have been read or passed over.</summary>
    /// <value>The default is 0. One that begins in the middle of an archive, at a header, is told where that is.</value>
    public long Position
    {
        get => _position;
        init => _position = value;
    }

    /// <summary>Gets where the current entry begins, with the extended headers that belong to it.</summary>
    public long EntryStart { get; private set; }

    /// <summary>Gets the path of the current entry, as the archive has it.</summary>
    public string Name { get; private set; } = "";

    /// <summary>Gets whether the current entry is a file, and not a link, a folder, a device or a header.</summary>
    public bool IsFile { get; private set; }

    /// <summary>Gets the length of the current entry in bytes.</summary>
    public long Length { get; private set; }

    /// <summary>Goes on to the next entry.</summary>
    /// <returns><see langword="false"/> at the archive's end.</returns>
    /// <exception cref="InvalidDataException">What is there is no header.</exception>
    /// <exception cref="EndOfStreamException">The archive ends too early.</exception>
    public bool MoveNext()
    {
        PassOver();
        EntryStart = _position;
        var extended = default(ExtendedHeader);
        while (ReadHeader())
        {
            if (!FollowsExtendedHeaders || !TryFollow(ref extended))
            {
                Name = extended.Path ?? Name;
                if (extended.Length is { } length)
                {
                    Expect(length);
                }

                return true;
            }

            PassOver();
        }

        return false;
    }

    /// <summary>Reads the current entry.</summary>
    /// <param name="buffer">Is filled; at most <see cref="Length"/> long.</param>
    public void ReadExactly(Span<byte> buffer)
    {
        stream.ReadExactly(buffer);
        _position += buffer.Length;
        _unread -= buffer.Length;
    }

    private void PassOver()
    {
        if (_unread >= ShortestSeek && stream.CanSeek)
        {
            if (stream.Length - stream.Position < _unread)
            {
                throw new EndOfStreamException();
            }

            stream.Seek(_unread, SeekOrigin.Current);
            _position += _unread;
            _unread = 0;
        }

        while (_unread > 0)
        {
            ReadExactly(_block.AsSpan(0, (int)Math.Min(_unread, BlockLength)));
        }
    }

    private bool ReadHeader()
    {
        stream.ReadExactly(_block);
        _position += BlockLength;
        if (!_block.AsSpan().ContainsAnyExcept((byte)0))
        {
            return false;
        }

        if (Octal(_block.AsSpan(ChecksumAt, ChecksumLength)) != Checksum())
        {
            throw new InvalidDataException(Name.Length == 0
                ? "it does not start with the header of a tar archive"
                : $"there is no header of a tar archive after its entry {Quote(Name)}");
        }

        Name = FullName();
        IsFile = _block[KindAt] is (byte)'0' or 0;
        Expect(Octal(_block.AsSpan(124, 12)) ?? throw new InvalidDataException($"the length of its entry {Quote(Name)} is not octal"));
        return true;
    }

    private void Expect(long length)
    {
        Length = length;
        _unread = (length + BlockLength - 1) / BlockLength * BlockLength;
    }

    // Whether the current entry was an extended header.
    private bool TryFollow(ref ExtendedHeader extended)
    {
        switch ((char)_block[KindAt])
        {
            case 'x':
                extended.Add(ReadExtendedHeader());
                return true;
            case 'L': // GNU: a long name
                extended.Path = Text(ReadExtendedHeader());
                return true;
            case 'g' or 'K': // for all entries, and a long link: nothing that is asked for
                return true;
            default:
                return false;
        }
    }

    private byte[] ReadExtendedHeader()
    {
        if (Length > LongestExtendedHeader)
        {
            throw new InvalidDataException(string.Create(
                CultureInfo.InvariantCulture,
                $"its extended header {Quote(Name)} claims {Length:n0} bytes, but at most {LongestExtendedHeader:n0} are read"));
        }

        var content = new byte[Length];
        ReadExactly(content);
        return content;
    }

    private string FullName()
    {
        var name = Text(_block.AsSpan(0, 100));
        return _block.AsSpan(257, 6).SequenceEqual("ustar\0"u8) && Text(_block.AsSpan(345, 155)) is { Length: > 0 } folder
            ? $"{folder}/{name}"
            : name;
    }

    // The sum of the header's bytes, where those of the sum itself count as blanks.
    private int Checksum()
    {
        var sum = 0;
        for (var i = 0; i < BlockLength; i++)
        {
            sum += i is >= ChecksumAt and < ChecksumAt + ChecksumLength ? ' ' : _block[i];
        }

        return sum;
    }

    private static string Text(ReadOnlySpan<byte> field) =>
        Encoding.UTF8.GetString(field[..(field.IndexOf((byte)0) is >= 0 and var end ? end : field.Length)]);

    // Digits between blanks and zeros. Twelve of them, the most that a length has, are 64 GB.
    private static long? Octal(ReadOnlySpan<byte> field)
    {
        var value = 0L;
        foreach (var digit in field.Trim(" \0"u8))
        {
            if (digit is < (byte)'0' or > (byte)'7')
            {
                return null;
            }

            value = value * 8 + digit - '0';
        }

        return value;
    }

    /// <summary>What an extended header says of the entry after it.</summary>
    private struct ExtendedHeader
    {
        public string? Path { get; set; }

        public long? Length { get; private set; }

        // Records of "LENGTH KEY=VALUE" and a line's end, where LENGTH is that of all of the record.
        public void Add(ReadOnlySpan<byte> records)
        {
            while (!records.IsEmpty)
            {
                var blank = records.IndexOf((byte)' ');
                if (blank < 0
                    || !int.TryParse(records[..blank], NumberStyles.None, CultureInfo.InvariantCulture, out var length)
                    || length < blank + 2
                    || length > records.Length
                    || records[length - 1] != '\n')
                {
                    throw new InvalidDataException("an extended header in it has a record of a wrong length");
                }

                Set(records[(blank + 1)..(length - 1)]);
                records = records[length..];
            }
        }

        private void Set(ReadOnlySpan<byte> record)
        {
            if (record.StartsWith("path="u8))
            {
                Path = Text(record["path=".Length..]);
            }
            else if (record.StartsWith("size="u8))
            {
                Length = long.TryParse(record["size=".Length..], NumberStyles.None, CultureInfo.InvariantCulture, out var length)
                    && length <= long.MaxValue - BlockLength
                    ? length
                    : throw new InvalidDataException("an extended header in it has a length that is no number");
            }
        }
    }
}
