using System.Runtime.InteropServices;

namespace Cli;

/// <summary>
/// Loads libtorch, for training and for the parts of a report that look into the network. It is four times as large as the rest of the tool, so it is no part of it: it is taken from where NuGet keeps packages,
/// or from a folder that the user names.
/// </summary>
internal static class LibTorch
{
    /// <summary>Names an environment variable with the folder that holds libtorch's libraries.</summary>
    public const string FolderVariable = "RESNET_LIBTORCH";

    private const string Version = "2.10.0"; // the one that TorchSharp 0.107.0 was built against

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
        var (platform, file) = OperatingSystem.IsWindows() ? ("win-x64", "torch_cpu.dll")
            : OperatingSystem.IsMacOS() ? ("osx-arm64", "libtorch_cpu.dylib")
            : ("linux-x64", "libtorch.so");
        var packages = Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } own
            ? own
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        var folder = Environment.GetEnvironmentVariable(FolderVariable) is { Length: > 0 } named
            ? named
            : Path.Combine(packages, $"libtorch-cpu-{platform}", Version, "runtimes", platform, "native");
        var path = Path.Combine(folder, file);
        if (!File.Exists(path))
        {
            throw new DllNotFoundException(
                $"Training needs libtorch {Version}, and there is none in '{folder}'. Get it, once, with 'dotnet package download libtorch-cpu-{platform}@{Version} --output {packages}', or name its folder in {FolderVariable}.");
        }

        NativeLibrary.Load(path);
    }
}
