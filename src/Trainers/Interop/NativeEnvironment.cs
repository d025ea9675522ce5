using System.Runtime.InteropServices;

namespace Microsoft.ML.ResNet.Trainers;

/// <summary>
/// Variables that native libraries read once, when they are loaded or started. .NET's own SetEnvironmentVariable does not reach native
/// code.
/// </summary>
internal static partial class NativeEnvironment
{
    /// <summary>Sets a variable that the user did not set. Not on Windows, where libraries of C have variables of their own.</summary>
    /// <param name="name">The variable.</param>
    /// <param name="value">Its value.</param>
    public static void SetDefault(string name, string value)
    {
        if (!OperatingSystem.IsWindows())
        {
            _ = SetVariable(name, value, overwrite: 0);
        }
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetVariable(string name, string value, int overwrite);
}
