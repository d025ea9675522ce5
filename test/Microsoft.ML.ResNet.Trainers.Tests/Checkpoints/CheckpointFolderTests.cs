using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Trainers.Checkpoints;

namespace Microsoft.ML.ResNet.Trainers.Tests.Checkpoints;

public sealed class CheckpointFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _warnings = [];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void TheNewestIsRead()
    {
        using var folder = Open();
        folder.Write(Moments.Checkpoint(step: 9));
        folder.Write(Moments.Checkpoint(step: 10));

        Assert.Equal(10, folder.ReadNewest()!.State.Step);
        Assert.Equal(12345, folder.ReadNewest()!.Identity.Seed);
    }

    [Fact]
    public void ADamagedOneIsPassedOverAndSaidSo()
    {
        using var folder = Open();
        folder.Write(Moments.Checkpoint(step: 9));
        folder.Write(Moments.Checkpoint(step: 10));
        var newest = Files()[^1];
        File.WriteAllBytes(newest, File.ReadAllBytes(newest)[..^3]);

        Assert.Equal(9, folder.ReadNewest()!.State.Step);
        Assert.Contains(newest, Assert.Single(_warnings));
        Assert.Contains("damaged", _warnings[0]);
    }

    [SkippableTheory]
    [InlineData("pipe")]
    [InlineData("dangling link")]
    [InlineData("endless device")]
    [InlineData("not permitted")]
    public void OneThatCannotBeReadIsPassedOverSaidSoAndWrittenAnew(string what)
    {
        using var folder = Open();
        folder.Write(Moments.Checkpoint(step: 9, batch: 1));
        var newest = _folder["checkpoint-0000000010.safetensors"];
        MakeUnreadable(newest, what);

        Assert.Equal(9, folder.ReadNewest()!.State.Step);
        Assert.Contains($"'{newest}' cannot be read and is passed over", Assert.Single(_warnings));

        folder.Write(Moments.Checkpoint(step: 10, batch: 1));
        Assert.Equal(10, folder.ReadNewest()!.State.Step);
        Assert.Equal(["checkpoint-0000000009.safetensors", "checkpoint-0000000010.safetensors"], Names());
    }

    [Fact]
    public void ADamagedOneTakesNoPlaceOfThoseThatAreKept()
    {
        using (var earlier = Open())
        {
            earlier.Write(Moments.Checkpoint(step: 9, batch: 1));
            earlier.Write(Moments.Checkpoint(step: 10, batch: 1));
        }

        File.WriteAllText(Files()[^1], "damaged");
        using var folder = Open();
        folder.ReadNewest();

        folder.Write(Moments.Checkpoint(step: 11, batch: 1));

        Assert.Equal(["checkpoint-0000000009.safetensors", "checkpoint-0000000011.safetensors"], Names());
    }

    [SkippableFact]
    public void OneThatCannotBeReadTakesNoPlaceAndStays()
    {
        using var folder = Open();
        folder.Write(Moments.Checkpoint(step: 9, batch: 1));
        MakeUnreadable(_folder["checkpoint-0000000010.safetensors"], "dangling link");
        folder.ReadNewest();

        folder.Write(Moments.Checkpoint(step: 11, batch: 1));
        folder.Write(Moments.Checkpoint(step: 12, batch: 1));

        Assert.Equal([10, 11, 12], CheckpointFile.List(_folder.Path).Select(file => file.Step));
    }

    // Not even root makes files there.
    [SkippableTheory]
    [InlineData("/proc/self")]
    [InlineData("/proc/self/checkpoints")]
    [InlineData("/sys/kernel")]
    public void AFolderThatCannotBeWrittenToIsNamed(string path)
    {
        Skip.IfNot(Directory.Exists("/proc/self") && Directory.Exists("/sys/kernel"), "There is no /proc or /sys.");

        var exception = Assert.Throws<IOException>(() => CheckpointFolder.Open(path, 2, Resume.Auto, _warnings.Add));

        Assert.StartsWith($"Checkpoint folder '{path}' ", exception.Message);
        Assert.Contains("written to", exception.Message);
    }

    [Fact]
    public void AFolderThatIsAFileIsNamed()
    {
        File.WriteAllText(_folder["file"], "");

        var exception = Assert.Throws<IOException>(() => CheckpointFolder.Open(_folder["file"], 2, Resume.Auto, _warnings.Add));

        Assert.StartsWith($"Checkpoint folder '{_folder["file"]}' ", exception.Message);
    }

    [Fact]
    public void KeptAreTheNewestTheLastEpochsEndAndTheBestEpoch()
    {
        using var folder = Open(keep: 2);
        for (var epoch = 1; epoch <= 5; epoch++)
        {
            folder.Write(Moments.Checkpoint(step: 10 * epoch, epochs: epoch, best: Math.Min(epoch, 2)));
        }

        Assert.Equal(["checkpoint-0000000020-epoch2.safetensors", "checkpoint-0000000040-epoch4.safetensors",
            "checkpoint-0000000050-epoch5.safetensors"], Names());

        for (var step = 51; step <= 54; step++)
        {
            folder.Write(Moments.Checkpoint(step, epochs: 5, batch: step - 50, best: 2));
        }

        Assert.Equal(
            ["checkpoint-0000000020-epoch2.safetensors", "checkpoint-0000000050-epoch5.safetensors", "checkpoint-0000000053.safetensors",
                "checkpoint-0000000054.safetensors"], Names());
        Assert.Equal(50, folder.ReadNewestEpoch()!.State.Step);
    }

    [Fact]
    public void WhatAKilledProcessLeftIsDeletedAndOtherFilesAreNot()
    {
        File.WriteAllText(_folder["checkpoint-0000000001.safetensors.tmp"], "half");
        File.WriteAllText(_folder["checkpoint-mine.safetensors"], "a user's");

        using var folder = Open();

        Assert.Null(folder.ReadNewest());
        Assert.Equal(["checkpoint-mine.safetensors"], Names());
    }

    [Fact]
    public void NeverStartsAnewAndTakesOverTheFolder()
    {
        using (var earlier = Open())
        {
            earlier.Write(Moments.Checkpoint(step: 500, epochs: 2));
        }

        using var folder = Open(Resume.Never);

        Assert.Null(folder.ReadNewest());
        folder.Write(Moments.Checkpoint(step: 1, batch: 1));
        Assert.Equal(["checkpoint-0000000001.safetensors"], Names());
        Assert.Equal(1, folder.ReadNewest()!.State.Step);
    }

    [Fact]
    public void RequiredFailsWhereThereIsNone() =>
        Assert.Contains(
            "holds no checkpoint, but Resume is Required", Assert.Throws<InvalidOperationException>(() => Open(Resume.Required)).Message);

    [Fact]
    public void RequiredMakesNoFolder()
    {
        var missing = Path.Combine(_folder.Path, "missing");

        Assert.Throws<InvalidOperationException>(() => CheckpointFolder.Open(missing, 2, Resume.Required, _ => { }));
        Assert.False(Directory.Exists(missing));
    }

    [Fact]
    public void AFolderBelongsToOneRunAtATime()
    {
        using (Open())
        {
            Assert.Contains("used by another training run", Assert.Throws<IOException>(() => Open()).Message);
        }

        Open().Dispose();
    }

    // Linux only, as root: a file system of 64 KB.
    [SkippableFact]
    public void AFullDiskLeavesTheCheckpointsBefore()
    {
        using var disk = SmallDisk.Mount(_folder["disk"], kilobytes: 64);
        Skip.If(disk is null, "Needs to mount a tmpfs, as root on Linux.");
        using var folder = CheckpointFolder.Open(_folder["disk"], 2, Resume.Auto, _warnings.Add);
        folder.Write(Moments.Checkpoint(step: 1));
        File.WriteAllBytes(Path.Combine(_folder["disk"], "filler"), new byte[48 << 10]);

        var exception = Assert.Throws<IOException>(() => folder.Write(
            Moments.Checkpoint(step: 2) with { Tensors = new ResNetWeights([new WeightTensor("w", [8000], new float[8000])]) }));

        Assert.Contains("cannot be written", exception.Message);
        Assert.Contains("make room", exception.Message);
        Assert.Equal(1, folder.ReadNewest()!.State.Step);
        Assert.Empty(Directory.GetFiles(_folder["disk"], "*.tmp"));
    }

    private static void MakeUnreadable(string path, string what)
    {
        Skip.If(OperatingSystem.IsWindows(), "It is of Unix.");
        switch (what)
        {
            case "pipe":
                Fifo.Make(path);
                break;
            case "dangling link":
                File.CreateSymbolicLink(path, "/no/such/file");
                break;
            case "endless device":
                File.CreateSymbolicLink(path, "/dev/zero");
                break;
            default:
                File.WriteAllText(path, "secret");
                if (!OperatingSystem.IsWindows())
                {
                    File.SetUnixFileMode(path, UnixFileMode.None);
                }

                Skip.If(CanRead(path), "This user reads everything.");
                break;
        }
    }

    private static bool CanRead(string path)
    {
        try
        {
            File.OpenRead(path).Dispose();
            return true;
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
    }

    private CheckpointFolder Open(Resume resume = Resume.Auto, int keep = 2) =>
        CheckpointFolder.Open(_folder.Path, keep, resume, _warnings.Add);

    private string[] Files() => [.. Directory.GetFiles(_folder.Path, "checkpoint-*").Order(StringComparer.Ordinal)];

    private string[] Names() => [.. Files().Select(file => Path.GetFileName(file))];
}
