using Microsoft.ML.ResNet.Files;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Tests.Files;

public sealed class WholeFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void AFileIsReplacedAndNothingIsLeftBesideIt()
    {
        File.WriteAllText(_folder["a"], "before");

        Write(_folder["a"]);

        Assert.Equal("written", File.ReadAllText(_folder["a"]));
        Assert.Equal([_folder["a"]], Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void AnEmptyFileIsReplacedToo()
    {
        File.WriteAllBytes(_folder["a"], []);

        Write(_folder["a"]);

        Assert.Equal("written", File.ReadAllText(_folder["a"]));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ThroughLinksTheTargetIsWritten(bool isThere)
    {
        Directory.CreateDirectory(_folder["far"]);
        var target = Path.Combine(_folder["far"], "target");
        if (isThere)
        {
            File.WriteAllText(target, "before");
        }

        File.CreateSymbolicLink(_folder["b"], Path.Combine("far", "target"));
        File.CreateSymbolicLink(_folder["a"], "b");

        WholeFile.Check(_folder["a"]);
        Write(_folder["a"]);

        Assert.Equal("written", File.ReadAllText(target));
        Assert.Equal("b", new FileInfo(_folder["a"]).LinkTarget);
        Assert.Equal([target], Directory.GetFiles(_folder["far"]));
    }

    [SkippableFact]
    public void PipesAndDevicesAreRefusedAndStay()
    {
        var pipe = Fifo.Make(_folder["pipe"]);
        File.CreateSymbolicLink(_folder["device"], "/dev/null");

        foreach (var path in new[] { pipe, _folder["device"] })
        {
            Assert.Contains("a pipe or a device", Assert.Throws<IOException>(() => Write(path)).Message);
            Assert.Contains("a pipe or a device", Assert.Throws<IOException>(() => WholeFile.Check(path)).Message);
        }

        Assert.Equal(2, Directory.GetFileSystemEntries(_folder.Path).Length);
        Assert.Equal("/dev/null", new FileInfo(_folder["device"]).LinkTarget);
        Assert.Throws<IOException>(() => RegularFile.Check(pipe));
        Assert.Contains("is a folder", Assert.Throws<IOException>(() => RegularFile.OpenRead(Path.GetTempPath())).Message);
    }

    [Fact]
    public void WhatCannotBeWrittenIsSaidBeforehand()
    {
        Directory.CreateDirectory(_folder["folder"]);

        Assert.Contains("it is a folder", Assert.Throws<IOException>(() => WholeFile.Check(_folder["folder"])).Message);
        var nowhere = Assert.Throws<DirectoryNotFoundException>(() => WholeFile.Check(Path.Combine(_folder["none"], "a")));
        Assert.Contains("there is no folder", nowhere.Message);
    }

    // Not even root makes files there.
    [SkippableFact]
    public void AFolderThatTakesNoFilesIsSaidBeforehand()
    {
        Skip.IfNot(Directory.Exists("/proc/self"), "There is no /proc.");

        var exception = Assert.Throws<IOException>(() => WholeFile.Check("/proc/model.zip"));
        Assert.Contains("'/proc/model.zip' cannot be written", exception.Message);
    }

    [Fact]
    public void WhatFailsLeavesTheFileBefore()
    {
        File.WriteAllText(_folder["a"], "before");

        Assert.Throws<InvalidOperationException>(() => WholeFile.Write(_folder["a"], _ => throw new InvalidOperationException()));

        Assert.Equal("before", File.ReadAllText(_folder["a"]));
        Assert.Single(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void OnlyWhatNobodyHasOpenIsDeletedBesideIt()
    {
        var dead = Leftover($"model.zip.{Guid.NewGuid():n}.tmp");
        var young = _folder[$"model.zip.{Guid.NewGuid():n}.tmp"];
        File.WriteAllText(young, "half");
        string[] others =
        [
            Leftover("model.zip.mine.tmp"), Leftover($"other.zip.{Guid.NewGuid():n}.tmp"), Leftover($"model.zip.{Guid.NewGuid():n}"),
        ];
        var living = _folder[$"model.zip.{Guid.NewGuid():n}.tmp"];
        using var open = Orphans.CreateOwned(living);
        Age(living);

        Write(_folder["model.zip"]);

        Assert.False(File.Exists(dead));
        Assert.All([young, .. others, living], path => Assert.True(File.Exists(path), path));

        string Leftover(string name)
        {
            File.WriteAllText(_folder[name], "half");
            Age(_folder[name]);
            return _folder[name];
        }
    }

    private static void Age(string path) => File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddMinutes(-1));

    private static void Write(string path) => WholeFile.Write(path, stream => stream.Write("written"u8));
}
