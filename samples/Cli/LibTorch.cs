using System.Runtime.InteropServices;

namespace Cli;

/// <summary>
/// Loads libtorch, for training and for the parts of a report that look into the network. It is four times as large as the rest of the
/// tool, so it is no part of it: it is taken from where NuGet keeps packages, or from a folder that the user names.
/// </summary>
internal static class LibTorch
{
    /// <summary>Names an environment variable with the folder that holds libtorch's libraries.</summary>
    public const string FolderVariable = "RESNET_LIBTORCH";

    // Those that TorchSharp has its native half for, and NuGet libtorch.
    private static readonly string[] Platforms = ["linux-x64", "win-x64", "win-arm64", "osx-arm64"];

    private const string Version = "2.10.0"; // the one that TorchSharp 0.107.0 was built against

    private static (string Name, string File) Platform
    {
        get
        {
            var processor = RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();
            return OperatingSystem.IsWindows() ? ($"win-{processor}", "torch_cpu.dll")
                : OperatingSystem.IsMacOS() ? ($"osx-{processor}", "libtorch_cpu.dylib")
                : ($"linux-{processor}", "libtorch.so");
        }
    }

    /// <summary>Loads it, if it is there.</summary>
    /// <returns>Whether it is.</returns>
    public static bool TryLoad()
    {
        try
        {
            Load();
            return true;
        }
        catch (DllNotFoundException)
        {
            return false;
        }
    }

    /// <summary>Loads it. TorchSharp then finds it loaded.</summary>
    /// <exception cref="DllNotFoundException">It is not there; the message says how to get it.</exception>
    public static void Load()
    {
        var (platform, file) = Platform;
        var packages = Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } own
            ? own
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        var folder = Environment.GetEnvironmentVariable(FolderVariable) is { Length: > 0 } named
            ? named
            : Path.Combine(packages, $"libtorch-cpu-{platform}", Version, "runtimes", platform, "native");
        if (!Platforms.Contains(platform) && Environment.GetEnvironmentVariable(FolderVariable) is not { Length: > 0 })
        {
            throw new DllNotFoundException(
                $"Training needs libtorch {Version}, and there is no package of it for {platform}: train on "
                + $"{string.Join(", ", Platforms)}, or name the folder of a build of your own in {FolderVariable}.");
        }

        var path = Path.Combine(folder, file);
        if (!File.Exists(path))
        {
            throw new DllNotFoundException(
                $"Training needs libtorch {Version}, and there is none in '{folder}'. "
                    + $"Get it, once, with 'dotnet package download libtorch-cpu-{platform}@{Version} --output {packages}', "
                    + $"or name its folder in {FolderVariable}.");
        }

        NativeLibrary.Load(path);
        var cuda = Path.Combine(folder, OperatingSystem.IsWindows() ? "torch_cuda.dll" : "libtorch_cuda.so");
        if (File.Exists(cuda))
        {
            NativeLibrary.Load(cuda); // the half of a libtorch for CUDA that --device needs
        }
    }
}
