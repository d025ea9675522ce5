using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Microsoft.ML.ResNet.Trainers;

/// <summary>
/// Functions written in TorchScript, called by the handles of tensors. TorchSharp's own way makes some managed objects for each call, with
/// finalizers; this one makes none.
/// </summary>
/// <remarks>
/// It calls what TorchSharp itself calls, in its native library, of the one version that the package depends on. Compiled functions stay
/// for as long as the process.
/// </remarks>
internal sealed unsafe class TorchScript
{
    private const int MostResults = 4;

    private static readonly Exports Native = new(LibTorchSharpLoader.BridgeHandle());

    // Where a call's results go; the callback that asks for room is told only a number.
    [ThreadStatic]
    private static Value* _room;

    private static long _live;

    private readonly nint _unit;

    /// <summary>Compiles functions.</summary>
    /// <param name="source">Their definitions.</param>
    /// <exception cref="ExternalException">Torch does not accept them.</exception>
    public TorchScript(string source)
    {
        fixed (byte* text = Encoding.UTF8.GetBytes(source + '\0'))
        {
            _unit = Native.Compile(text);
        }

        ThrowIfFailed();
    }

    /// <summary>Calls a function.</summary>
    /// <param name="name">Its name, in UTF-8, ending in zero.</param>
    /// <param name="arguments">The handles of tensors, which stay the caller's.</param>
    /// <param name="results">Takes the handles of as many tensors as it returns, which are the caller's.</param>
    /// <exception cref="ExternalException">Torch failed, for example for want of memory.</exception>
    public void Invoke(ReadOnlySpan<byte> name, ReadOnlySpan<nint> arguments, Span<nint> results)
    {
        var values = stackalloc Value[arguments.Length];
        for (var i = 0; i < arguments.Length; i++)
        {
            values[i] = new Value { Handle = arguments[i] };
        }

        var room = stackalloc Value[MostResults];
        _room = room;
        sbyte kind = 0;
        fixed (byte* text = name)
        {
            Native.Invoke(_unit, text, (nint)values, arguments.Length, &Room, &kind, 0);
        }

        ThrowIfFailed();
        for (var i = 0; i < results.Length; i++)
        {
            results[i] = room[i].Handle;
        }

        Interlocked.Add(ref _live, results.Length);
    }

    /// <summary>Gets the number of results that were not freed yet, in the whole process.</summary>
    internal static long Live => Interlocked.Read(ref _live);

    /// <summary>Gets where a tensor's values begin.</summary>
    /// <param name="tensor">Its handle.</param>
    public static void* Data(nint tensor) => Native.Data(tensor);

    /// <summary>Frees a tensor.</summary>
    /// <param name="tensor">Its handle.</param>
    public static void Free(nint tensor)
    {
        Native.Dispose(tensor);
        Interlocked.Decrement(ref _live);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static Value* Room(int index, nint length) => length <= MostResults ? _room : null;

    private static void ThrowIfFailed()
    {
        var message = Native.LastError();
        if (message != 0)
        {
            throw new ExternalException(Marshal.PtrToStringUTF8(message)); // as TorchSharp does
        }
    }

    /// <summary>TorchSharp's form of an argument or a result.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Value
    {
        public long TypeCode; // 0: a tensor
        public long ArrayIndex;
        public nint Handle;
    }

    private readonly struct Exports(nint library)
    {
        public readonly delegate* unmanaged[Cdecl]<byte*, nint> Compile =
            (delegate* unmanaged[Cdecl]<byte*, nint>)NativeLibrary.GetExport(library, "THSJIT_compile");

        public readonly delegate* unmanaged[Cdecl]<
            nint, byte*, nint, int, delegate* unmanaged[Cdecl]<int, nint, Value*>, sbyte*, int, void> Invoke =
            (delegate* unmanaged[Cdecl]<
                nint, byte*, nint, int, delegate* unmanaged[Cdecl]<int, nint, Value*>, sbyte*, int, void>)
                NativeLibrary.GetExport(library, "THSJIT_CompilationUnit_Invoke");

        public readonly delegate* unmanaged[Cdecl]<nint, void*> Data =
            (delegate* unmanaged[Cdecl]<nint, void*>)NativeLibrary.GetExport(library, "THSTensor_data");

        public readonly delegate* unmanaged[Cdecl]<nint, void> Dispose =
            (delegate* unmanaged[Cdecl]<nint, void>)NativeLibrary.GetExport(library, "THSTensor_dispose");

        public readonly delegate* unmanaged[Cdecl]<nint> LastError =
            (delegate* unmanaged[Cdecl]<nint>)NativeLibrary.GetExport(library, "THSTorch_get_and_reset_last_err");
    }
}
