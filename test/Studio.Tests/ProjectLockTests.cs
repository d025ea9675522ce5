using System.Diagnostics;
using Microsoft.ML.ResNet.TestSupport;
using Studio.Tests.Hosting;

namespace Studio.Tests;

/// <summary>A folder is one studio's at a time.</summary>
public sealed class ProjectLockTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string Refusal =>
        $"Folder '{_folder["p"]}' is open in another studio, and two would overwrite each other's changes. Go on at the address that the "
        + "other one printed, or end it (Ctrl+C in its terminal) and start this one again.";

    [Fact]
    public async Task ASecondStudioIsRefusedUntilTheFirstHasEnded()
    {
        Drawn.Project(_folder["p"], 2, "circle", "star");
        await using (var first = await TestStudio.StartAsync(_folder["p"]))
        {
            var exception = await Assert.ThrowsAsync<IOException>(() => TestStudio.StartAsync(_folder["p"]));

            Assert.Equal(Refusal, exception.Message);
            await first.PostAsync("images/trash", new { images = new[] { "star/star 0000.png" } }); // the first one goes on
        }

        Assert.False(File.Exists(_folder["p/studio.lock"]));
        await using var second = await TestStudio.StartAsync(_folder["p"]);
        Assert.Equal("the removal of one image", (await second.GetAsync("project")).GetProperty("undo").GetString());
    }

    [SkippableFact]
    public async Task ALinkToTheFolderIsTheSameFolder()
    {
        Skip.If(OperatingSystem.IsWindows(), "Windows lets administrators alone make links");
        Drawn.Project(_folder["p"], 2, "circle", "star");
        Directory.CreateSymbolicLink(_folder["link"], _folder["p"]);
        await using var first = await TestStudio.StartAsync(_folder["p"]);

        var exception = await Assert.ThrowsAsync<IOException>(() => TestStudio.StartAsync(_folder["link"]));

        Assert.Equal(Refusal, exception.Message);
    }

    [Fact]
    public async Task AStudioThatWasKilledLeavesTheFolderFree()
    {
        using var killed = Start();
        using var second = killed.StandardOutput.ReadLine() is null ? null : Start(); // it is open once it says so
        try
        {
            Assert.NotNull(second);
            Assert.Null(await second.StandardOutput.ReadLineAsync());
            Assert.Equal(Refusal, (await second.StandardError.ReadToEndAsync()).TrimEnd());
            await second.WaitForExitAsync();
            Assert.Equal(1, second.ExitCode);
        }
        finally
        {
            killed.Kill(entireProcessTree: true);
            second?.Kill(entireProcessTree: true);
            await killed.WaitForExitAsync();
        }

        await using var third = await TestStudio.StartAsync(_folder["p"]);
        Assert.Equal(0, (await third.GetAsync("project")).GetProperty("classes").GetArrayLength());
    }

    private Process Start() =>
        SampleProcess.Start("dotnet", [SampleProcess.Assembly("Studio"), _folder["p"], "--no-browser"], folder: null);
}
