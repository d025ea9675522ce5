using TorchSharp;

namespace Microsoft.ML.ResNet.Trainers.Tests;

/// <summary>Counts tensors, for tests that nothing is left behind.</summary>
internal static class LiveTensors
{
    /// <summary>Counts those there are before a test, when finalizers have freed what other tests lost.</summary>
    public static long CountBefore()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return torch.Tensor.TotalCount;
    }
}
