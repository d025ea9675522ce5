using System.Runtime.InteropServices;

namespace Microsoft.ML.ResNet.Trainers;

/// <summary>Prepares Torch for training: loads it, and makes the settings of the whole process, once.</summary>
internal static partial class TorchRuntime
{
    /// <summary>An AppContext switch: if it is true, the settings of the C allocator are not changed.</summary>
    public const string KeepAllocatorDefaults = "Microsoft.ML.ResNet.Trainers.KeepAllocatorDefaults";

    // A failure is not kept: the application may load libtorch itself and try again.
    private static readonly Lazy<bool> Ready = new(Prepare, LazyThreadSafetyMode.PublicationOnly);

    /// <summary>Gets whether training may tune the C allocator: on Linux, unless the application keeps it as it is.</summary>
    public static bool OwnsAllocator { get; } =
        OperatingSystem.IsLinux() && !(AppContext.TryGetSwitch(KeepAllocatorDefaults, out var keep) && keep);

    /// <summary>Prepares Torch. Call it before anything of <see cref="TorchSharp.torch"/> is touched.</summary>
    /// <exception cref="DllNotFoundException">libtorch is not part of the application, or this system cannot load it.</exception>
    public static void Initialize() => _ = Ready.Value;

    private static bool Prepare()
    {
        if (OwnsAllocator)
        {
            GlibcAllocator.KeepLargeBuffers();
        }

        if (OperatingSystem.IsLinux())
        {
            ShortenSpinning();
        }

        LibTorchSharpLoader.EnsureLoaded();
        Nnpack.TurnOffWhereUseless();
        return true;
    }

    /// <summary>
    /// Shortens the time for which threads spin. Torch's threads wait for each other after every operation, and libgomp lets them spin
    /// before they sleep. Where another program is busy, a thread then spins in the place of the one that it waits for: with one busy
    /// core of two a step took three times as long, and only twice as long with this number, which cost nothing on a machine without
    /// other load (docs/PERFORMANCE.md).
    /// </summary>
    private static void ShortenSpinning()
    {
        if (Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") is null)
        {
            NativeEnvironment.SetDefault("GOMP_SPINCOUNT", "3000");
        }
    }

    /// <summary>
    /// By default glibc gives every large buffer of a step back to the system and faults it in again at the next. Kept, training is about
    /// 1.2 times as fast, for a tenth more memory. The padding matters because the training thread's arena consists of small heaps.
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
}
