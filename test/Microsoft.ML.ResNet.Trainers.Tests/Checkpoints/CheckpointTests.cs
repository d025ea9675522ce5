using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Trainers.Checkpoints;

namespace Microsoft.ML.ResNet.Trainers.Tests.Checkpoints;

public sealed class CheckpointTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void WhatIsWrittenIsRead()
    {
        var checkpoint = Moments.Checkpoint(step: 7, epochs: 2, batch: 3);

        Write(checkpoint);
        var read = Checkpoint.Read(_folder["c"]);

        Assert.Empty(checkpoint.Identity.DifferencesFrom(read.Identity));
        Assert.Equal(checkpoint.State with { Epochs = [] }, read.State with { Epochs = [] });
        Assert.Equal(checkpoint.State.Epochs.AsEnumerable(), read.State.Epochs);
        Assert.Equal(checkpoint.Tensors.Tensors.Select(
            tensor => (tensor.Name, string.Join(',', tensor.Shape), string.Join(',', tensor.Values.ToArray()))),
            read.Tensors.Tensors.Select(
                tensor => (tensor.Name, string.Join(',', tensor.Shape), string.Join(',', tensor.Values.ToArray()))));
        Assert.Equal(checkpoint.Identity.Seed, read.Identity.Seed);
    }

    [Fact]
    public void EveryChangedByteIsNoticed()
    {
        Write(Moments.Checkpoint(step: 7));
        var bytes = File.ReadAllBytes(_folder["c"]);

        for (var i = 0; i < bytes.Length; i++)
        {
            Put((byte)(bytes[i] ^ 1), i);
            Assert.Throws<InvalidDataException>(() => Checkpoint.Read(_folder["c"]));
            Put(bytes[i], i);
        }

        Checkpoint.Read(_folder["c"]);

        // In place: a file system may bring a file that is written anew to the disk, each time.
        void Put(byte value, int at)
        {
            using var file = File.OpenHandle(_folder["c"], FileMode.Open, FileAccess.Write);
            RandomAccess.Write(file, [value], at);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(8)]
    [InlineData(100)]
    [InlineData(0.5)]
    [InlineData(-1)]
    public void ACutFileIsNoticed(double length)
    {
        Write(Moments.Checkpoint(step: 7));
        var bytes = File.ReadAllBytes(_folder["c"]);
        File.WriteAllBytes(
            _folder["cut"], bytes[..(length < 0 ? bytes.Length - 1 : length < 1 && length > 0 ? bytes.Length / 2 : (int)length)]);

        Assert.Throws<InvalidDataException>(() => Checkpoint.Read(_folder["cut"]));
    }

    [Fact]
    public void AnotherVersionIsNamed()
    {
        Write(Moments.Checkpoint(step: 7));
        var text = File.ReadAllBytes(_folder["c"]);
        text[text.AsSpan().IndexOf("\"version\":\"1\""u8) + 11] = (byte)'9';
        File.WriteAllBytes(_folder["c"], text);

        Assert.Contains("version 9", Assert.Throws<InvalidDataException>(() => Checkpoint.Read(_folder["c"])).Message);
    }

    [Fact]
    public void AnotherSafetensorsFileIsNone()
    {
        Moments.Checkpoint(step: 7).Tensors.Save(_folder["w"]);

        Assert.Contains("does not start with a checksum", Assert.Throws<InvalidDataException>(() => Checkpoint.Read(_folder["w"])).Message);
    }

    private void Write(Checkpoint checkpoint)
    {
        using var stream = File.Create(_folder["c"]);
        checkpoint.Write(stream);
    }
}
