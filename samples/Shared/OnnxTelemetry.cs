using System.Runtime.InteropServices;

namespace Samples;

/// <summary>
/// Turns off ONNX Runtime's telemetry, in programs that use nothing of ResNet.MLNet, which does it by itself. Setting
/// <c>ORT_DISABLE_TELEMETRY=1</c> before the program starts does the same.
/// </summary>
internal static class OnnxTelemetry
{
    private const string Variable = "ORT_DISABLE_TELEMETRY";

    /// <summary>
    /// Turns it off. Call it before a model is loaded: ONNX Runtime looks once. A value that the user has given the variable stays.
    /// </summary>
    public static void TurnOff()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not null)
        {
            return;
        }

        if (OperatingSystem.IsWindows())
        {
            Environment.SetEnvironmentVariable(Variable, "1");
        }
        else
        {
            _ = SetVariable(Variable, "1", overwrite: 0); // .NET's own does not reach native code here
        }
    }

    [DllImport("libc", EntryPoint = "setenv")]
    private static extern int SetVariable(string name, string value, int overwrite);
}
