using System.ComponentModel;
using System.Diagnostics;
using WebApp.Models;

namespace WebApp.Training;

/// <summary>
/// Trains a first model by running samples/QuickStart, in a process of its own: so the service is built, published and run
/// without Torch, and training takes none of its memory once it is over. In a checkout it works by itself; a published service
/// has no QuickStart beside it, and is given a model.
/// </summary>
internal sealed class QuickStartTrainer(ILogger<QuickStartTrainer> log)
{
    private const string Project = "samples/QuickStart/QuickStart.csproj";

    /// <summary>Trains a model and saves it.</summary>
    /// <param name="modelPath">
    /// Where the finished model is saved. Until then there is a <c>.partial</c> beside it. The report on its test
    /// images gets the same name, with <c>.html</c>.
    /// </param>
    /// <param name="data">The folder of images to train on; null for shapes that are drawn.</param>
    /// <param name="report">Is told how it goes.</param>
    /// <param name="cancellation">Ends the process.</param>
    /// <exception cref="TrainingFailedException">There is no trainer here, or it failed.</exception>
    public async Task TrainAsync(string modelPath, string? data, Action<ModelStatus> report, CancellationToken cancellation)
    {
        var project = FindProject() ?? throw new TrainingFailedException(
            $"There is no model '{modelPath}', and no {Project} above '{AppContext.BaseDirectory}' to train one with. "
            + "Name a saved model with --model.");
        log.Training(modelPath, project);
        report(new ModelStatus(ModelState.Training, "Building the trainer"));

        var partial = modelPath + ".partial";
        Directory.CreateDirectory(Path.GetDirectoryName(modelPath)!);
        await RunAsync(["run", "-c", "Release", "--project", project, "--", "--progress-lines", "--model", partial, "--report",
            Path.ChangeExtension(modelPath, ".html"), .. data is null ? [] : (string[])["--data", data]], report, cancellation);
        File.Move(partial, modelPath, overwrite: true);
    }

    private static async Task RunAsync(string[] arguments, Action<ModelStatus> report, CancellationToken cancellation)
    {
        using var process = Start(arguments);
        using var stop = cancellation.Register(() => process.Kill(entireProcessTree: true));
        var error = process.StandardError.ReadToEndAsync(CancellationToken.None);
        var last = "";
        while (await process.StandardOutput.ReadLineAsync(CancellationToken.None) is { } line)
        {
            if (ProgressLine.TryParse(line) is { } progress)
            {
                report(progress.ToStatus());
            }
            else if (!string.IsNullOrWhiteSpace(line))
            {
                last = line; // a build that fails says so here
            }
        }

        await process.WaitForExitAsync(CancellationToken.None);
        cancellation.ThrowIfCancellationRequested();
        if (process.ExitCode != 0)
        {
            var message = (await error).Trim();
            throw new TrainingFailedException($"QuickStart ended with {process.ExitCode}: {(message.Length > 0 ? message : last)}");
        }
    }

    private static Process Start(string[] arguments)
    {
        try
        {
            return Process.Start(
                new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        }
        catch (Win32Exception exception)
        {
            throw new TrainingFailedException(
                $"The trainer cannot be started: {exception.Message}. "
                + "It needs the .NET SDK's 'dotnet' on the PATH; or name a saved model with --model.");
        }
    }

    private static string? FindProject()
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            var project = Path.Combine(folder, Project);
            if (File.Exists(project))
            {
                return project;
            }
        }

        return null;
    }
}
