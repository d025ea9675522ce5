using System.Runtime.InteropServices;

namespace Microsoft.ML.ResNet.Trainers;

/// <summary>Readies Torch for training: loads it, and sets what holds for the whole process, once.</summary>
internal static partial class TorchRuntime
{
    /// <summary>An AppContext switch: set to true, the C allocator is left as the application has it.</summary>
    public const string KeepAllocatorDefaults = "Microsoft.ML.ResNet.Trainers.KeepAllocatorDefaults";

    // A failure is not kept: the application may load libtorch itself and try again.
    private static readonly Lazy<bool> Ready = new(Prepare, LazyThreadSafetyMode.PublicationOnly);

    /// <summary>Gets whether training may tune the C allocator: on Linux, unless the application keeps it as it is.</summary>
    public static bool OwnsAllocator { get; } = OperatingSystem.IsLinux() && !(AppContext.TryGetSwitch(KeepAllocatorDefaults, out var keep) && keep);

    /// <summary>Readies Torch. Call it before anything of <see cref="TorchSharp.torch"/> is touched.</summary>
    /// <exception cref="DllNotFoundException">libtorch is not part of the application, or this system cannot load it.</exception>
    public static void Initialize() => _ = Ready.Value;

    private static bool Prepare()
    {
        if (OwnsAllocator)
        {
            GlibcAllocator.KeepLargeBuffers();
            HugePages.AskFor();
        }

        LibTorchSharpLoader.EnsureLoaded();
        return true;
    }

    /// <summary>
    /// By default glibc gives every large buffer of a step back to the system and faults it in again at the next. Kept, training is about 1.2
    /// times as fast, for a tenth more memory. The padding matters because the training thread's arena consists of small heaps.
    /// </summary>
    private static partial class GlibcAllocator
    {
        // malloc.h
        private const int TrimThreshold = -1;
        private const int TopPad = -2;
        private const int MmapThreshold = -3;

        private const int LargestMmapThreshold = 32 << 20; // glibc's own limit: half of a thread's heap

        public static void KeepLargeBuffers()
        {
            try
            {
                SetOption(MmapThreshold, LargestMmapThreshold);
                SetOption(TrimThreshold, int.MaxValue);
                SetOption(TopPad, 64 << 20);
            }
            catch (EntryPointNotFoundException)
            {
                // musl has no such options, and needs none.
            }
        }

        [LibraryImport("libc", EntryPoint = "mallopt")]
        private static partial int SetOption(int option, int value);
    }

    /// <summary>
    /// Buffers of 2 MiB and more in huge pages, where the system gives them to who asks: fewer than half of the page faults, and a few percent of the time. Torch
    /// reads the variable once, before its first buffer (c10/core/impl/alloc_cpu.cpp). .NET's own SetEnvironmentVariable does not reach native code.
    /// </summary>
    private static partial class HugePages
    {
        public static void AskFor() => _ = SetVariable("THP_MEM_ALLOC_ENABLE", "1", overwrite: 0);

        [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
        private static partial int SetVariable(string name, string value, int overwrite);
    }
}
