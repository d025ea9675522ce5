using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Microsoft.ML.OnnxRuntime;

namespace Microsoft.ML.ResNet.Tests.Onnx;

/// <summary>What ONNX Runtime warns of. It takes a listener only when it starts, so this one is there for the whole process.</summary>
internal static class OnnxRuntimeLog
{
    public static ConcurrentQueue<string> Warnings { get; } = new();

#pragma warning disable CA2255 // a module initializer is the only place before every test
    [ModuleInitializer]
#pragma warning restore CA2255
    public static void Start()
    {
        var options = new EnvironmentCreationOptions
        {
            logId = "tests",
            logLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_WARNING,
            loggingFunction = (_, severity, _, _, _, message) => Warnings.Enqueue($"{severity}: {message}"),
        };
        OrtEnv.CreateInstanceWithOptions(ref options);
    }
}
