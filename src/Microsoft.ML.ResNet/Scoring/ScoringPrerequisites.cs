using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.ResNet.Files;
using Microsoft.ML.ResNet.Interop;

namespace Microsoft.ML.ResNet.Scoring;

/// <summary>What a classifier will need when it is built: looked for before training, so that nothing is lost after it.</summary>
internal static class ScoringPrerequisites
{
    // The name that ONNX Runtime's managed half loads. Loading it creates no environment, whose options are the application's to choose.
    private const string NativeLibraryName = "onnxruntime";

    /// <summary>Checks that ONNX Runtime is part of the application, and that its model's temporary file can be written.</summary>
    /// <exception cref="DllNotFoundException">There is no ONNX Runtime.</exception>
    /// <exception cref="IOException">The temporary folder cannot be written to.</exception>
    public static void Check() => Check(NativeLibraryName);

    /// <summary>Checks that ONNX Runtime is part of the application.</summary>
    /// <exception cref="DllNotFoundException">There is no ONNX Runtime.</exception>
    public static void CheckRuntime() => CheckRuntime(NativeLibraryName);

    internal static void Check(string nativeLibrary)
    {
        CheckRuntime(nativeLibrary);
        using var probe = new TemporaryFile("probe");
        File.WriteAllBytes(probe.Path, []);
    }

    private static void CheckRuntime(string nativeLibrary)
    {
        OnnxTelemetry.TurnOff();
        if (!NativeLibrary.TryLoad(nativeLibrary, typeof(InferenceSession).Assembly, null, out _))
        {
            throw new DllNotFoundException(
                "Scoring needs ONNX Runtime, and this application has none: "
                + "add a reference to the NuGet package Microsoft.ML.OnnxRuntime 1.31.1 (or one of its GPU packages).");
        }
    }
}
