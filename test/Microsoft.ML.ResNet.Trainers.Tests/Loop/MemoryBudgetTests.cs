using Microsoft.ML.ResNet.Trainers.Loop;

namespace Microsoft.ML.ResNet.Trainers.Tests.Loop;

public sealed class MemoryBudgetTests
{
    private static readonly LayerPlan Plan = LayerPlan.Create(ResNetArchitecture.ResNet18, new ImageShape(3, 224, 224), 1000);
    private static readonly TrainingRecipe Recipe = new() { BatchSize = 100 };

    [Fact]
    public void WhatFitsIsLeftAlone() =>
        Assert.Equal(
            Recipe,
            MemoryBudget.Fit(Recipe, Plan, TrainingPrecision.Float32, MemoryBudget.BytesPerBatch(Plan, 100, TrainingPrecision.Float32)));

    [Fact]
    public void BatchesAreHalvedAndAStepKeepsItsImages()
    {
        var fitted = MemoryBudget.Fit(
            Recipe, Plan, TrainingPrecision.Float32, MemoryBudget.BytesPerBatch(Plan, 30, TrainingPrecision.Float32));

        Assert.Equal((25, 4), (fitted.BatchSize, fitted.GradientAccumulationSteps));
    }

    [Fact]
    public void SmallerThanTwoCannotBe()
    {
        var fitted = MemoryBudget.Fit(Recipe, Plan, TrainingPrecision.Float32, available: 0);

        Assert.InRange(fitted.BatchSize, 2, 3);
    }

    [Fact]
    public void HalfPrecisionTakesAboutHalf()
    {
        var ratio = (double)MemoryBudget.BytesPerBatch(Plan, 16, TrainingPrecision.BFloat16)
            / MemoryBudget.BytesPerBatch(Plan, 16, TrainingPrecision.Float32);

        Assert.InRange(ratio, 0.45, 0.6);
    }

    [Theory]
    [InlineData(
        "[enforce fail at alloc_cpu.cpp:124] err == 0. "
        + "DefaultCPUAllocator: can't allocate memory: you tried to allocate 4096000000000 bytes.",
        true)]
    [InlineData("DefaultCPUAllocator: not enough memory: you tried to allocate 12 bytes.", true)]
    [InlineData("CUDA out of memory. Tried to allocate 20.00 MiB.", true)]
    [InlineData("MPS backend out of memory (MPS allocated: 1.00 GiB).", true)]
    [InlineData("mat1 and mat2 shapes cannot be multiplied", false)]
    public void TorchsWordsForNoMemoryAreKnown(string message, bool isOutOfMemory) =>
        Assert.Equal(isOutOfMemory, MemoryBudget.IsOutOfMemory(new System.Runtime.InteropServices.ExternalException(message)));

    [Fact]
    public void TheseWordsAreTorchsOwn()
    {
        TorchRuntime.Initialize();

        var exception = Assert.ThrowsAny<Exception>(() => TorchSharp.torch.empty([1L << 46]));

        Assert.True(MemoryBudget.IsOutOfMemory(exception), exception.ToString());
    }
}
