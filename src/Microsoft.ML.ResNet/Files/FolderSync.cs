using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Microsoft.ML.ResNet.Files;

/// <summary>
/// Puts on the disk what names a folder holds: without them, a file that was synced and then moved is lost when the power fails.
/// </summary>
/// <remarks>.NET opens no folders. Windows keeps names in a journal, and has nothing like it.</remarks>
internal static partial class FolderSync
{
    private const int ReadOnly = 0; // O_RDONLY, on every system

    /// <summary>Waits until the names in a folder are on its disk.</summary>
    /// <param name="folder">The folder; one that may not be listed is left to the system.</param>
    /// <exception cref="IOException">The disk failed.</exception>
    public static void Flush(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        using var handle = new SafeFileHandle(Open(folder, ReadOnly), ownsHandle: true);
        if (!handle.IsInvalid)
        {
            RandomAccess.FlushToDisk(handle); // fsync; F_FULLFSYNC on macOS
        }
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);
}
