using System.Reflection;
using System.Runtime.InteropServices;

/// <summary>
/// Runs one command line after another in a process of the tool, as <see cref="Microsoft.ML.ResNet.Samples.Tests.Cli.SharedTool"/>
/// asks for. .NET calls it before the tool's own start, so the tool is at home: its folder, its libraries, its settings.
/// </summary>
internal static class StartupHook
{
    /// <summary>Is what .NET looks for.</summary>
    public static void Initialize()
    {
        Environment.SetEnvironmentVariable("DOTNET_STARTUP_HOOKS", null); // for programs that the tool starts
        using var requests = new BinaryReader(Console.OpenStandardInput());
        using var replies = new BinaryWriter(Console.OpenStandardOutput());
        var files = Directory.CreateTempSubdirectory("resnet-test-tool-").FullName;
        try
        {
            while (true)
            {
                Serve(requests, replies, files);
            }
        }
        catch (EndOfStreamException)
        {
            Directory.Delete(files, recursive: true);
            Environment.Exit(0); // the tests have ended
        }
    }

    private static void Serve(BinaryReader requests, BinaryWriter replies, string files)
    {
        var arguments = new string[requests.ReadInt32()];
        for (var i = 0; i < arguments.Length; i++)
        {
            arguments[i] = requests.ReadString();
        }

        Environment.CurrentDirectory = requests.ReadString();
        File.WriteAllBytes(Path.Combine(files, "input"), requests.ReadBytes(requests.ReadInt32()));
        var exitCode = Run(arguments, files);
        Environment.CurrentDirectory = files; // that of the command may be deleted
        replies.Write(exitCode);
        foreach (var name in (string[])["output", "error"])
        {
            var said = File.ReadAllBytes(Path.Combine(files, name));
            replies.Write(said.Length);
            replies.Write(said);
        }

        replies.Flush();
    }

    // The three standard files of the process become files of their own, also for what does not go through Console.
    private static int Run(string[] arguments, string files)
    {
        Redirect(0, Path.Combine(files, "input"), FileMode.Open);
        Redirect(1, Path.Combine(files, "output"), FileMode.Create);
        Redirect(2, Path.Combine(files, "error"), FileMode.Create);
        using var input = new StreamReader(Console.OpenStandardInput());
        using var output = new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true };
        using var error = new StreamWriter(Console.OpenStandardError()) { AutoFlush = true };
        Console.SetIn(input);
        Console.SetOut(output);
        Console.SetError(error);
        try
        {
            return (int)Assembly.Load("resnet").EntryPoint!.Invoke(null, BindingFlags.DoNotWrapExceptions, null, [arguments], null)!;
        }
        catch (Exception exception) when (exception is not EndOfStreamException)
        {
            error.WriteLine($"Unhandled exception. {exception}"); // what .NET says where a process ends by one
            return 134;
        }
    }

    private static void Redirect(int descriptor, string path, FileMode mode)
    {
        using var file = File.OpenHandle(path, mode, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        if (Duplicate((int)file.DangerousGetHandle(), descriptor) < 0)
        {
            throw new IOException($"File {descriptor} cannot be redirected.");
        }
    }

    [DllImport("libc", EntryPoint = "dup2")]
    private static extern int Duplicate(int from, int to);
}
