namespace Microsoft.ML.ResNet.Trainers.Tests.Devices;

public sealed class TrainingDeviceTests
{
    [Theory]
    [InlineData("auto", "auto")]
    [InlineData("CPU", "cpu")]
    [InlineData(" cuda ", "cuda:0")]
    [InlineData("Cuda:12", "cuda:12")]
    [InlineData("mps", "mps")]
    public void NamesAreReadAndWritten(string name, string written)
    {
        var device = TrainingDevice.Parse(name);

        Assert.Equal(written, device.ToString());
        Assert.Equal(device, TrainingDevice.Parse(written));
    }

    [Theory]
    [InlineData("")]
    [InlineData("gpu")]
    [InlineData("cuda:")]
    [InlineData("cuda:-1")]
    [InlineData("cuda:1:2")]
    [InlineData("cpu:0")]
    [InlineData("cuda:99999999999")]
    public void OtherNamesAreRefused(string name)
    {
        var exception = Assert.Throws<ArgumentException>(() => TrainingDevice.Parse(name));

        Assert.Contains($"There is no device '{name}'. It must be auto, cpu, cuda, cuda:N", exception.Message, StringComparison.Ordinal);
        Assert.False(TrainingDevice.TryParse(name, out var device));
        Assert.Equal(TrainingDevice.Auto, device);
    }

    [Fact]
    public void TheDefaultIsAuto()
    {
        Assert.Equal(TrainingDevice.Auto, default);
        Assert.Equal(TrainingDevice.Auto, new ResNetTrainer.Options().Device);
        Assert.False(TrainingDevice.TryParse(null, out _));
    }

    [Fact]
    public void DevicesDifferByKindAndNumber()
    {
        TrainingDevice[] all =
            [TrainingDevice.Auto, TrainingDevice.Cpu, TrainingDevice.Mps, TrainingDevice.Cuda(), TrainingDevice.Cuda(1)];

        Assert.Equal(all.Length, all.Distinct().Count());
        Assert.Equal(1, TrainingDevice.Cuda(1).Index);
        Assert.Throws<ArgumentOutOfRangeException>(() => TrainingDevice.Cuda(-1));
    }
}
