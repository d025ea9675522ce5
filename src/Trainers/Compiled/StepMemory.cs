using System.Runtime.InteropServices;

namespace Microsoft.ML.ResNet.Trainers.Compiled;

/// <summary>Memory that a step takes once, when it is compiled, and keeps; it begins as zeros.</summary>
internal sealed unsafe class StepMemory : IDisposable
{
    private const int Alignment = 64; // a line of the cache, and the widest vector

    private readonly List<nint> _blocks = [];

    /// <summary>Takes memory.</summary>
    public T* Allocate<T>(nint count)
        where T : unmanaged
    {
        var bytes = (nuint)(count * sizeof(T));
        var block = NativeMemory.AlignedAlloc(bytes, Alignment);
        _blocks.Add((nint)block);
        NativeMemory.Clear(block, bytes);
        return (T*)block;
    }

    public void Dispose()
    {
        foreach (var block in _blocks)
        {
            NativeMemory.AlignedFree((void*)block);
        }

        _blocks.Clear();
    }
}
