using Microsoft.ML.ResNet.Trainers.Devices;
using Microsoft.ML.ResNet.Trainers.Networks;

namespace Microsoft.ML.ResNet.Trainers.Tests.Devices;

/// <summary>Which device is taken on machines that are not here, and what is said where it is not there.</summary>
public sealed class DeviceChoiceTests
{
    private static readonly Machine CpuOnly = new(HasCudaLibrary: false, CudaCount: 0);
    private static readonly Machine WithoutGpu = new(HasCudaLibrary: true, CudaCount: 0);
    private static readonly Machine TwoGpus = new(HasCudaLibrary: true, CudaCount: 2);

    [Fact]
    public void AutoTakesTheFirstGpuWhereThereIsOne()
    {
        Assert.Equal(TrainingDevice.Cuda(), DeviceChoice.Of(TrainingDevice.Auto, TwoGpus));
        Assert.Equal(TrainingDevice.Cpu, DeviceChoice.Of(TrainingDevice.Auto, WithoutGpu));
        Assert.Equal(TrainingDevice.Cpu, DeviceChoice.Of(TrainingDevice.Auto, CpuOnly));
        Assert.Equal(TrainingDevice.Cpu, DeviceChoice.Of(TrainingDevice.Auto, CpuOnly with { HasMps = true }));
    }

    [Fact]
    public void WhatIsAskedForIsTakenWhereItIsThere()
    {
        Assert.Equal(TrainingDevice.Cuda(1), DeviceChoice.Of(TrainingDevice.Cuda(1), TwoGpus));
        Assert.Equal(TrainingDevice.Cpu, DeviceChoice.Of(TrainingDevice.Cpu, TwoGpus));
        Assert.Equal(TrainingDevice.Mps, DeviceChoice.Of(TrainingDevice.Mps, CpuOnly with { HasMps = true }));
    }

    [Theory]
    [InlineData("linux-x64", "libtorch-cuda-12.8-linux-x64 2.10.0", "TorchSharp-cuda-linux 0.107.0")]
    [InlineData("win-x64", "libtorch-cuda-12.8-win-x64 2.10.0", "TorchSharp-cuda-windows 0.107.0")]
    public void WithoutLibTorchForCudaTheErrorNamesThePackages(string platform, string libtorch, string bundle)
    {
        var exception = Assert.Throws<DllNotFoundException>(
            () => DeviceChoice.Of(TrainingDevice.Cuda(), CpuOnly with { Platform = platform }));

        Assert.StartsWith(
            $"Device is cuda:0, but this application's libtorch computes on the CPU only: in place of libtorch-cpu-{platform}, ",
            exception.Message,
            StringComparison.Ordinal);
        Assert.Contains(libtorch, exception.Message, StringComparison.Ordinal);
        Assert.Contains(bundle, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("osx-arm64")]
    [InlineData("win-arm64")]
    [InlineData("linux-arm64")]
    public void WhereThereIsNoSuchPackageNoneIsNamed(string platform)
    {
        var exception = Assert.Throws<DllNotFoundException>(
            () => DeviceChoice.Of(TrainingDevice.Cuda(), CpuOnly with { Platform = platform }));

        Assert.Contains($"there is no libtorch package for CUDA on {platform}", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("libtorch-cuda", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AGpuThatIsNotThereIsAnErrorThatSaysWhatIs()
    {
        Assert.Contains(
            "Device is cuda:0, but libtorch finds no GPU that CUDA can use",
            Refusal(TrainingDevice.Cuda(), WithoutGpu),
            StringComparison.Ordinal);
        Assert.Contains("only 2, cuda:0 to cuda:1", Refusal(TrainingDevice.Cuda(2), TwoGpus), StringComparison.Ordinal);
        Assert.Contains("only one, cuda:0", Refusal(TrainingDevice.Cuda(1), TwoGpus with { CudaCount = 1 }), StringComparison.Ordinal);
        Assert.Contains("Device is mps, but libtorch finds no such GPU", Refusal(TrainingDevice.Mps, TwoGpus), StringComparison.Ordinal);
    }

    [Fact]
    public void OnAGpuAutoPrecisionIsFloat32()
    {
        Assert.Equal(TrainingPrecision.Float32, PrecisionProbe.Resolve(TrainingPrecision.Auto, TrainingDevice.Cuda()));
        Assert.Equal(TrainingPrecision.BFloat16, PrecisionProbe.Resolve(TrainingPrecision.BFloat16, TrainingDevice.Cuda()));
    }

    [Fact]
    public void SeveralProcessesTrainOnCpus()
    {
        Assert.Equal(TrainingDevice.Cpu, DeviceChoice.Of(TrainingDevice.Auto, TwoGpus, processes: 2));
        Assert.Equal(TrainingDevice.Cpu, DeviceChoice.Of(TrainingDevice.Cpu, TwoGpus, processes: 2));
        var exception = Assert.Throws<InvalidOperationException>(() => DeviceChoice.Of(TrainingDevice.Cuda(1), TwoGpus, processes: 2));
        Assert.Contains("2 processes were started to train together, and Device is cuda:1", exception.Message, StringComparison.Ordinal);

        var early = Assert.Throws<ArgumentOutOfRangeException>(() => new MLContext().MulticlassClassification.Trainers.ResNet(
            new ResNetTrainer.Options { Device = TrainingDevice.Cuda(), Distributed = DistributedTraining.Required }));
        Assert.Contains("Option Device must be auto or cpu where Distributed is Required", early.Message, StringComparison.Ordinal);
    }

    /// <summary>The tests' own libtorch is one for the CPU.</summary>
    [SkippableFact]
    public void FitRefusesAGpuThatIsNotThereBeforeItReadsAnImage()
    {
        TorchRuntime.Initialize();
        Skip.If(TorchDevices.OfProcess.HasCudaLibrary, "libtorch is one for CUDA.");
        var ml = new MLContext(seed: 1);
        var trainer = ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
        {
            Architecture = TrainingData.Tiny,
            InputShape = TrainingData.Shape,
            ImageColumnName = "Bytes",
            Device = TrainingDevice.Cuda(),
        });
        var data = TrainingData.Vectors(ml, perClass: 4);

        Assert.Contains("Device is cuda:0", Assert.Throws<DllNotFoundException>(() => trainer.Fit(data)).Message, StringComparison.Ordinal);
        Assert.Throws<DllNotFoundException>(() => trainer.FindLearningRate(data));
    }

    private static string Refusal(TrainingDevice asked, Machine machine) =>
        Assert.Throws<InvalidOperationException>(() => DeviceChoice.Of(asked, machine)).Message;

    private sealed record Machine(bool HasCudaLibrary, int CudaCount) : ITorchDevices
    {
        public bool HasMps { get; init; }

        public string Platform { get; init; } = "linux-x64";
    }
}
