using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace Microsoft.ML.ResNet.Trainers;

/// <summary>A library inside Torch that convolves single images in float32.</summary>
internal static unsafe class Nnpack
{
    /// <summary>
    /// Turns it off on CPUs where it cannot start: it needs AVX2 and the sizes of the caches. Torch would try it again for each
    /// convolution, and write each time to standard error that it could not initialize NNPACK: thousands of lines in a training.
    /// </summary>
    /// <remarks>
    /// Python does it by torch.backends.nnpack.set_flags(False), for which TorchSharp has nothing. So Torch's own function is called
    /// (at::Context::setUserEnabledNNPACK, in ATen/Context.h), by the name that compilers on Linux give it. Where there is no such name,
    /// all stays as it is.
    /// </remarks>
    public static void TurnOffWhereUseless()
    {
        var starts = !Processor.IsX86 || (Avx2.IsSupported && !Processor.HidesCaches);
        if (!starts
            && OperatingSystem.IsLinux()
            && NativeLibrary.TryLoad("libtorch_cpu.so", out var torch) // loaded already: by its name
            && NativeLibrary.TryGetExport(torch, "_ZN2at13globalContextEv", out var context)
            && NativeLibrary.TryGetExport(torch, "_ZN2at7Context20setUserEnabledNNPACKEb", out var setEnabled))
        {
            ((delegate* unmanaged[Cdecl]<nint, byte, void>)setEnabled)(((delegate* unmanaged[Cdecl]<nint>)context)(), 0);
        }
    }
}
