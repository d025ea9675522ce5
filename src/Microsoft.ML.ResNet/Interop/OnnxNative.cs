using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;

namespace Microsoft.ML.ResNet.Interop;

/// <summary>A function of ONNX Runtime's C interface that its package for .NET has no method for.</summary>
internal static unsafe class OnnxNative
{
    // Where functions stand in OrtApi (onnxruntime_c_api.h), which is only ever added to. A test compares them with the package's own.
    internal const int GetErrorMessage = 2;
    internal const int ReleaseStatus = 93;
    internal const int AddExternalInitializersFromFilesInMemory = 279;

    // The first that has them all.
    private const uint Version = 18;

    private static readonly Lazy<nint> Functions = new(static () =>
    {
        var library = NativeLibrary.Load("onnxruntime", typeof(InferenceSession).Assembly, searchPath: null);
        var api = ((delegate* unmanaged<nint*>)NativeLibrary.GetExport(library, "OrtGetApiBase"))();
        return ((delegate* unmanaged<uint, nint>)api[0])(Version);
    });

    /// <summary>Gives a session the content of a file that its graph refers to, where it has it and not as a copy.</summary>
    /// <param name="options">The session's options.</param>
    /// <param name="name">The name of the file, in the graph.</param>
    /// <param name="content">The content. It must stay as it is until the session is disposed of.</param>
    /// <param name="length">Its length in bytes.</param>
    public static void AddFileInMemory(SessionOptions options, string name, byte* content, nuint length)
    {
        options.AddSessionConfigEntry("session.use_external_initializer_file_buffers_directly", "1");
        var names = OperatingSystem.IsWindows() ? Marshal.StringToCoTaskMemUni(name) : Marshal.StringToCoTaskMemUTF8(name);
        try
        {
            var add = (delegate* unmanaged<nint, nint*, byte**, nuint*, nuint, nint>)Function(AddExternalInitializersFromFilesInMemory);
            var status = add(options.DangerousGetHandle(), &names, &content, &length, 1);
            GC.KeepAlive(options);
            Check(status);
        }
        finally
        {
            Marshal.FreeCoTaskMem(names);
        }
    }

    private static nint Function(int index) => ((nint*)Functions.Value)[index];

    private static void Check(nint status)
    {
        if (status == 0)
        {
            return;
        }

        var message = Marshal.PtrToStringUTF8(((delegate* unmanaged<nint, nint>)Function(GetErrorMessage))(status));
        ((delegate* unmanaged<nint, void>)Function(ReleaseStatus))(status);
        throw new InvalidDataException($"ONNX Runtime does not take its weights: {message}");
    }
}
