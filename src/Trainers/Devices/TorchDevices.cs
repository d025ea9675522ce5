using TorchSharp;

namespace Microsoft.ML.ResNet.Trainers.Devices;

/// <summary>What libtorch itself says that it can compute on. To be asked once Torch is loaded.</summary>
internal sealed class TorchDevices : ITorchDevices
{
    public static TorchDevices OfProcess { get; } = new();

    public bool HasCudaLibrary => LibTorchSharpLoader.HasCuda;

    public int CudaCount => HasCudaLibrary && torch.cuda.is_available() ? torch.cuda.device_count() : 0;

    public bool HasMps => OperatingSystem.IsMacOS() && torch.mps_is_available();

    public string Platform => LibTorchSharpLoader.Platform;
}
