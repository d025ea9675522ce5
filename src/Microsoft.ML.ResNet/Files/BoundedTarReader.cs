using System.Text;
using static Microsoft.ML.ResNet.Files.ErrorText;

namespace Microsoft.ML.ResNet.Files;

/// <summary>Reads the entries of a tar archive, one after another (POSIX.1-1988 "ustar", and GNU's variant).</summary>
/// <remarks>
/// System.Formats.Tar (of .NET 10) takes the memory that an extended header claims before a byte of it has come: 1.9 GB were measured for
/// an archive of 1 KB. Nothing in here takes more than one block. Extended headers are entries like any other, and do not change the one
/// that follows: they are for names of over 100 characters and files of over 8 GB.
/// </remarks>
internal sealed class BoundedTarReader(Stream stream)
{
    private const int BlockLength = 512;
    private const int ChecksumAt = 148;
    private const int ChecksumLength = 8;

    private readonly byte[] _block = new byte[BlockLength];
    private long _unread; // of the current entry, with the zeros after it that fill its last block

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
        for (; _unread > 0; _unread -= Math.Min(_unread, BlockLength))
        {
            stream.ReadExactly(_block, 0, (int)Math.Min(_unread, BlockLength));
        }

        stream.ReadExactly(_block);
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
        IsFile = _block[156] is (byte)'0' or 0;
        Length = Octal(_block.AsSpan(124, 12)) ?? throw new InvalidDataException($"the length of its entry {Quote(Name)} is not octal");
        _unread = (Length + BlockLength - 1) / BlockLength * BlockLength;
        return true;
    }

    /// <summary>Reads the current entry.</summary>
    /// <param name="buffer">Is filled; at most <see cref="Length"/> long.</param>
    public void ReadExactly(Span<byte> buffer)
    {
        stream.ReadExactly(buffer);
        _unread -= buffer.Length;
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
        Encoding.Latin1.GetString(field[..(field.IndexOf((byte)0) is >= 0 and var end ? end : field.Length)]);

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
}
