using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using TorchSharp;

namespace Microsoft.ML.ResNet.Trainers;

/// <summary>Loads TorchSharp's native libraries before its first use, or says in one sentence why that cannot be done.</summary>
/// <remarks>
/// The static constructor of <see cref="torch"/> loads them too, but where that fails it copies libtorch (478 MB) beside the application,
/// prints a page that names the wrong cause, and fails for the rest of the process. So its two calls are made here first.
/// </remarks>
internal static class LibTorchSharpLoader
{
    private const string LibTorch = "torch_cpu";
    private const string Cuda = "torch_cuda";
    private const string Bridge = "LibTorchSharp";
    internal const string LibTorchVersion = "2.10.0"; // the one that TorchSharp 0.107.0 was built against
    internal const string CudaVersion = "12.8";       // likewise
    internal const string TorchSharpVersion = "0.107.0";

    // GCC 13 marks every C++ file that includes <iostream> with this version, for a symbol that LibTorchSharp never uses.
    private const string UnusedVersion = "GLIBCXX_3.4.32";

    private static readonly Lock Gate = new();
    private static readonly Assembly TorchSharpAssembly = typeof(torch).Assembly;
    private static volatile bool _loaded;
    private static bool _resolving;
    private static nint _bridge;
    private static Exception? _refusal;

    /// <summary>Gets whether the libtorch that was loaded is one for CUDA. Whether there is a GPU is another question.</summary>
    public static bool HasCuda { get; private set; }

    /// <summary>Loads the libraries. Call it before anything of <see cref="torch"/> is touched; <c>typeof(torch)</c> is safe.</summary>
    /// <exception cref="DllNotFoundException">libtorch is not part of the application, or this system cannot load it.</exception>
    public static void EnsureLoaded()
    {
        if (_loaded)
        {
            return;
        }

        lock (Gate)
        {
            if (_loaded)
            {
                return;
            }

            if (OperatingSystem.IsLinux() && !_resolving)
            {
                AssemblyLoadContext.GetLoadContext(TorchSharpAssembly)!.ResolvingUnmanagedDll += ResolveBridge;
                _resolving = true;
            }

            // CUDA's half before Torch is first used: it looks for it once.
            bool libTorchLoaded = NativeLibrary.TryLoad(LibTorch, TorchSharpAssembly, null, out _);
            HasCuda = NativeLibrary.TryLoad(Cuda, TorchSharpAssembly, null, out _);
            if (!NativeLibrary.TryLoad(Bridge, TorchSharpAssembly, null, out _))
            {
                throw Failure(libTorchLoaded);
            }

            _loaded = true;
        }
    }

    /// <summary>Gets the handle of TorchSharp's native library, loaded.</summary>
    /// <exception cref="DllNotFoundException">As <see cref="EnsureLoaded"/>.</exception>
    public static nint BridgeHandle()
    {
        EnsureLoaded();
        return NativeLibrary.Load(Bridge, TorchSharpAssembly, null);
    }

    /// <summary>Gets the error message for an application without libtorch.</summary>
    internal static string MissingLibTorch(string platform) => platform is "linux-x64" or "win-x64" or "win-arm64" or "osx-arm64"
        ? "TorchSharp needs libtorch, and this application has none: "
            + $"add a reference to the NuGet package libtorch-cpu-{platform} {LibTorchVersion}."
        : $"TorchSharp needs libtorch, and there is no package of it for {platform}: train on linux-x64, win-x64, win-arm64 or osx-arm64.";

    /// <summary>Gets the error message for an application that asks for CUDA, and whose libtorch is one for the CPU.</summary>
    internal static string MissingCuda(string device, string platform)
    {
        string system = platform == "win-x64" ? "windows" : "linux";
        return platform is "linux-x64" or "win-x64"
            ? $"Device is {device}, but this application's libtorch computes on the CPU only: in place of libtorch-cpu-{platform}, add a "
                + $"reference to the NuGet package libtorch-cuda-{CudaVersion}-{platform} {LibTorchVersion}, or to "
                + $"TorchSharp-cuda-{system} {TorchSharpVersion}, which brings it. To train on the CPU, set Device to Cpu."
            : $"Device is {device}, but there is no libtorch package for CUDA on {platform}: CUDA needs linux-x64 or win-x64. To train on "
                + "the CPU, set Device to Cpu.";
    }

    // Raised only after normal probing has failed: newer systems never come here.
    private static nint ResolveBridge(Assembly assembly, string name)
    {
        if (name != Bridge || assembly != TorchSharpAssembly)
        {
            return 0;
        }

        lock (Gate)
        {
            if (_bridge == 0 && Find("libLibTorchSharp.so") is { } path)
            {
                _refusal = null;
                try
                {
                    _bridge = LoadBridge(path);
                }
                catch (Exception e)
                    when (e is IOException or UnauthorizedAccessException or DllNotFoundException or BadImageFormatException)
                {
                    _refusal = e;
                }
            }

            return _bridge;
        }
    }

    private static nint LoadBridge(string path)
    {
        // The bridge finds libtorch by name among what is loaded, or beside itself; the copy below has nothing beside it.
        NativeLibrary.Load(Find("libtorch.so") ?? "libtorch.so");
        if (NativeLibrary.TryLoad(path, out nint handle))
        {
            return handle;
        }

        byte[] elf = File.ReadAllBytes(path);
        if (!ElfVersionNeeds.TryWeaken(elf, UnusedVersion))
        {
            return 0;
        }

        try
        {
            return LoadCopy(elf);
        }
        catch (DllNotFoundException e) when (Find("libtorch.so") is null
            && e.Message.Contains("undefined symbol", StringComparison.Ordinal))
        {
            throw new DllNotFoundException(MissingLibTorch(Platform), e); // the system's own is of another version, such as Debian's
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or DllNotFoundException)
        {
            throw new DllNotFoundException(
                $"it needs {UnusedVersion}, and no copy without that need can be loaded from '{Path.GetTempPath()}'. "
                + "Set TMPDIR to a folder where files may be written and executed.",
                e);
        }
    }

    private static nint LoadCopy(byte[] elf)
    {
        DirectoryInfo own = Directory.CreateTempSubdirectory("LibTorchSharp-"); // for its owner only
        try
        {
            string copy = Path.Combine(own.FullName, "libLibTorchSharp.so");
            File.WriteAllBytes(copy, elf);
            return NativeLibrary.Load(copy);
        }
        finally
        {
            own.Delete(recursive: true); // the loaded pages outlive the file
        }
    }

    [UnconditionalSuppressMessage(
        "SingleFile",
        "IL3000",
        Justification = "In a single file the location is empty, and the application's folder takes its place.")]
    private static string? Find(string file)
    {
        string probed = AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? "";
        return probed.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Append(AppContext.BaseDirectory)
            .Append(Path.GetDirectoryName(TorchSharpAssembly.Location) ?? AppContext.BaseDirectory)
            .Select(directory => Path.Combine(directory, file))
            .FirstOrDefault(File.Exists);
    }

    private static DllNotFoundException Failure(bool libTorchLoaded)
    {
        string name = libTorchLoaded ? Bridge : LibTorch;
        string? path = Find(FileName(name));
        if (path is null && !libTorchLoaded)
        {
            return new DllNotFoundException(MissingLibTorch(Platform));
        }

        try
        {
            NativeLibrary.Load(path ?? name);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            _refusal ??= e;
        }

        // .NET puts advice on tracing first, and the system's own words last.
        string? reason = _refusal?.Message
            .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .LastOrDefault();
        return new DllNotFoundException($"This system cannot load TorchSharp's native library '{path ?? name}': {reason}", _refusal);
    }

    private static string FileName(string name) =>
        OperatingSystem.IsWindows() ? $"{name}.dll" : OperatingSystem.IsMacOS() ? $"lib{name}.dylib" : $"lib{name}.so";

    /// <summary>Gets the platform, as NuGet names it.</summary>
    internal static string Platform
    {
        get
        {
            // RuntimeIdentifier alone will not do: distributions that build .NET themselves put their own name there.
            string identifier = RuntimeInformation.RuntimeIdentifier;
            string system = OperatingSystem.IsWindows() ? "win"
                : OperatingSystem.IsMacOS() ? "osx"
                : identifier.Contains("musl") || identifier.StartsWith("alpine") ? "linux-musl"
                : "linux";
            return $"{system}-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}";
        }
    }
}
