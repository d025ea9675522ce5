using System.Buffers.Binary;
using System.Text;

namespace Microsoft.ML.ResNet.Trainers;

/// <summary>
/// The symbol versions that a shared object needs of other libraries: ELF64, little-endian (System V gABI; LSB Core, "Symbol Versioning").
/// </summary>
internal static class ElfVersionNeeds
{
    private const int FileHeaderSize = 64;
    private const int SectionHeaderSize = 64;
    private const int EntrySize = 16;               // of Elf64_Verneed, and of Elf64_Vernaux
    private const uint SectionOfNeeds = 0x6ffffffe; // SHT_GNU_verneed
    private const ushort Weak = 2;                  // VER_FLG_WEAK

    /// <summary>Marks a needed version as weak, so that the dynamic loader accepts a library that lacks it.</summary>
    /// <returns><see langword="true"/> if the version was found and is weak now; <see langword="false"/> if nothing was changed.</returns>
    public static bool TryWeaken(Span<byte> elf, string versionName)
    {
        if (elf.Length < FileHeaderSize || !elf.StartsWith("\u007fELF\u0002\u0001"u8))
        {
            return false;
        }

        ulong table = BinaryPrimitives.ReadUInt64LittleEndian(elf[40..]);
        uint stride = BinaryPrimitives.ReadUInt16LittleEndian(elf[58..]);
        uint count = BinaryPrimitives.ReadUInt16LittleEndian(elf[60..]);
        if (table > (ulong)elf.Length || stride < SectionHeaderSize)
        {
            return false;
        }

        byte[] name = Encoding.ASCII.GetBytes(versionName + '\0');
        for (uint i = 0; i < count && TrySlice(elf, table + (i * stride), SectionHeaderSize, out Span<byte> header); i++)
        {
            if (BinaryPrimitives.ReadUInt32LittleEndian(header[4..]) != SectionOfNeeds)
            {
                continue;
            }

            uint link = BinaryPrimitives.ReadUInt32LittleEndian(header[40..]);
            return link < count
                && TrySlice(elf, table + (link * stride), SectionHeaderSize, out Span<byte> stringsHeader)
                && TryContent(elf, header, out Span<byte> needs)
                && TryContent(elf, stringsHeader, out Span<byte> strings)
                && TryWeaken(needs, strings, name);
        }

        return false;
    }

    // Steps are unsigned and end the walk when zero, so both loops only go forward.
    private static bool TryWeaken(Span<byte> needs, ReadOnlySpan<byte> strings, ReadOnlySpan<byte> name)
    {
        uint toNextLibrary;
        for (ulong library = 0; TrySlice(needs, library, EntrySize, out Span<byte> need); library += toNextLibrary)
        {
            uint toNextVersion;
            ulong version = library + BinaryPrimitives.ReadUInt32LittleEndian(need[8..]);
            for (; TrySlice(needs, version, EntrySize, out Span<byte> entry); version += toNextVersion)
            {
                uint at = BinaryPrimitives.ReadUInt32LittleEndian(entry[8..]);
                if (at < strings.Length && strings[(int)at..].StartsWith(name))
                {
                    ushort flags = BinaryPrimitives.ReadUInt16LittleEndian(entry[4..]);
                    BinaryPrimitives.WriteUInt16LittleEndian(entry[4..], (ushort)(flags | Weak));
                    return true;
                }

                toNextVersion = BinaryPrimitives.ReadUInt32LittleEndian(entry[12..]);
                if (toNextVersion == 0)
                {
                    break;
                }
            }

            toNextLibrary = BinaryPrimitives.ReadUInt32LittleEndian(need[12..]);
            if (toNextLibrary == 0)
            {
                break;
            }
        }

        return false;
    }

    private static bool TryContent(Span<byte> elf, ReadOnlySpan<byte> sectionHeader, out Span<byte> content) => TrySlice(
        elf,
        BinaryPrimitives.ReadUInt64LittleEndian(sectionHeader[24..]),
        BinaryPrimitives.ReadUInt64LittleEndian(sectionHeader[32..]),
        out content);

    private static bool TrySlice(Span<byte> bytes, ulong start, ulong length, out Span<byte> slice)
    {
        ulong size = (ulong)bytes.Length;
        bool fits = start <= size && length <= size - start;
        slice = fits ? bytes.Slice((int)start, (int)length) : default;
        return fits;
    }
}
