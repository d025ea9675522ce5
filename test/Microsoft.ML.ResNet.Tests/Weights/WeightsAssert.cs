using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Weights;

namespace Microsoft.ML.ResNet.Tests.Weights;

internal static class WeightsAssert
{
    private const long AllocationLimit = 100_000_000;

    /// <summary>The weights of a small network.</summary>
    public static ResNetWeights Small(int seed = 5, int classes = 3) =>
        ResNetWeights.Initialize(
            LayerPlan.Create(
                new ResNetArchitecture("tiny", BlockKind.Basic, [1, 1]) { Stem = StemKind.SmallImage, BaseWidth = 4 },
                new ImageShape(3, 8, 8),
                classes),
            seed);

    public static ResNetWeights Read(byte[] file) => WeightsFile.Read(new MemoryStream(file, writable: false), "file");

    /// <summary>Checks that weights have the same tensors, in the same order, bit for bit.</summary>
    public static void Same(ResNetWeights expected, ResNetWeights actual)
    {
        Assert.Equal(expected.Tensors.Select(tensor => tensor.Name), actual.Tensors.Select(tensor => tensor.Name));
        foreach (var (left, right) in expected.Tensors.Zip(actual.Tensors))
        {
            Assert.Equal(left.Shape.AsEnumerable(), right.Shape);
            Assert.True(MemoryMarshal.AsBytes(left.Values.Span).SequenceEqual(MemoryMarshal.AsBytes(right.Values.Span)), left.Name);
        }
    }

    /// <summary>Checks that images are preprocessed in the same way.</summary>
    public static void Same(ImagePreprocessing expected, ImagePreprocessing? actual)
    {
        Assert.Equal(expected with { Mean = [], StandardDeviation = [] }, actual! with { Mean = [], StandardDeviation = [] });
        Assert.Equal(expected.Mean.AsEnumerable(), actual.Mean);
        Assert.Equal(expected.StandardDeviation.AsEnumerable(), actual.StandardDeviation);
    }

    /// <summary>Checks that a file is refused in a sentence, in less than a second and 100 MB.</summary>
    public static string Refused(byte[] file)
    {
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        var busy = Environment.CpuUsage.TotalTime; // not the clock's, which depends on what else the machine does
        var exception = Assert.Throws<InvalidDataException>(() => Read(file));
        Assert.InRange((Environment.CpuUsage.TotalTime - busy).TotalSeconds, 0, 1);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - allocated, 0, AllocationLimit);
        Assert.StartsWith("'file' ", exception.Message);
        Assert.EndsWith($"supported are {WeightsFormats.Supported}.", exception.Message);
        Assert.InRange(exception.Message.Length, 0, 1000);
        return exception.Message;
    }

    /// <summary>Checks that a file is refused for a reason.</summary>
    public static void Says(string expected, byte[] file)
    {
        var message = Refused(file);
        Assert.True(message.Contains(expected, StringComparison.Ordinal), $"Expected \"{expected}\" in: {message}");
    }

    /// <summary>Reads a damaged file: it gives weights or is refused, within the same bounds.</summary>
    public static void ReadOrRefused(byte[] file)
    {
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            Read(file);
        }
        catch (InvalidDataException)
        {
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - allocated, 0, AllocationLimit);
    }
}
