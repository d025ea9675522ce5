namespace Microsoft.ML.ResNet.Trainers;

internal static class TorchRuntime
{
    public static void Initialize() => LibTorchSharpLoader.EnsureLoaded();
}
