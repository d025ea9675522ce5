namespace Studio.Data;

/// <summary>Keeps a project's folder for one studio: two would overwrite each other's changes, settings and runs.</summary>
/// <remarks>
/// The system frees the lock of a process however it ends: the file that a killed one leaves behind locks nothing, and is taken over.
/// </remarks>
internal sealed class ProjectLock : IDisposable
{
    // What .NET says of a file that another process has locked: the error of the system.
    private const int SharingViolation = unchecked((int)0x80070020);
    private const int WouldBlockOnLinux = 11;
    private const int WouldBlockOnMacOS = 35;

    private readonly FileStream _file;

    private ProjectLock(FileStream file) => _file = file;

    /// <summary>Takes a folder.</summary>
    /// <exception cref="IOException">Another studio has it open, or no file can be made in it.</exception>
    public static ProjectLock Take(string folder)
    {
        try
        {
            return new ProjectLock(new FileStream(
                Path.Combine(folder, "studio.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 1,
                FileOptions.DeleteOnClose));
        }
        catch (IOException exception) when (exception.HResult is SharingViolation or WouldBlockOnLinux or WouldBlockOnMacOS)
        {
            throw new IOException(
                $"Folder '{folder}' is open in another studio, and two would overwrite each other's changes. Go on at the address that "
                + "the other one printed, or end it (Ctrl+C in its terminal) and start this one again.");
        }
    }

    public void Dispose() => _file.Dispose();
}
