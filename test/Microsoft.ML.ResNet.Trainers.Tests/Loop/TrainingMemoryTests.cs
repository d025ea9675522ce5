using System.Globalization;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Trainers.Tests.Loop;

/// <summary>What a process keeps of its trainings.</summary>
public sealed class TrainingMemoryTests
{
    private const int Trainings = 12;

    // Of each size there has been one by then.
    private const int Warm = 4;

    private const int MegabytesOfGrowth = 100; // 300 and more where freed buffers are kept, in heaps that each training thread has anew

    [Fact]
    public void TwelveTrainingsLeaveNoMoreThanFour()
    {
        var run = SampleProcess.Run("dotnet", [SampleProcess.Assembly("TrainingProcess", folder: "test"), $"{Trainings}"]).Succeeded();

        int[] megabytes = [.. run.Lines.Select(line => int.Parse(line, CultureInfo.InvariantCulture))];

        Assert.Equal(Trainings, megabytes.Length);
        var growth = megabytes[Warm..].Max() - megabytes[..Warm].Max();
        Assert.True(growth <= MegabytesOfGrowth, $"MB after each training: {string.Join(", ", megabytes)}");
    }
}
