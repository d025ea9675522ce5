using System.Runtime.InteropServices;

namespace Microsoft.ML.ResNet.Interop;

/// <summary>
/// Turns off ONNX Runtime's telemetry, which keeps a device's number and a database of events in the user's cache folder, and sends them.
/// It reads the variable once, when its environment is made. Its own <c>DisableTelemetryEvents</c> is a method of that environment: the
/// files are there by then.
/// </summary>
internal static partial class OnnxTelemetry
{
    /// <summary>An AppContext switch: set to true, telemetry is left as ONNX Runtime has it.</summary>
    public const string KeepDefault = "Microsoft.ML.ResNet.KeepOnnxRuntimeTelemetry";

    private const string Variable = "ORT_DISABLE_TELEMETRY";

    private static readonly Lazy<bool> Off = new(TurnOffUnlessKept);

    /// <summary>
    /// Turns it off, once. Call it before anything of ONNX Runtime is made; a value that the user has given the variable stays.
    /// </summary>
    public static void TurnOff() => _ = Off.Value;

    private static bool TurnOffUnlessKept()
    {
        if (AppContext.TryGetSwitch(KeepDefault, out var keep) && keep)
        {
            return false;
        }

        if (!OperatingSystem.IsWindows())
        {
            _ = SetVariable(Variable, "1", overwrite: 0); // .NET's own does not reach native code here
        }
        else if (Environment.GetEnvironmentVariable(Variable) is null)
        {
            Environment.SetEnvironmentVariable(Variable, "1");
        }

        return true;
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetVariable(string name, string value, int overwrite);
}
