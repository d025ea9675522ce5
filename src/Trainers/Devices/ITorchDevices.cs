namespace Microsoft.ML.ResNet.Trainers.Devices;

/// <summary>What libtorch can compute on in this process. Tests have one with devices that are not there.</summary>
internal interface ITorchDevices
{
    /// <summary>Gets whether the application's libtorch is one for CUDA.</summary>
    bool HasCudaLibrary { get; }

    /// <summary>Gets the number of GPUs that CUDA can use.</summary>
    int CudaCount { get; }

    /// <summary>Gets whether there is a GPU of Apple's.</summary>
    bool HasMps { get; }

    /// <summary>Gets the platform, as NuGet names it.</summary>
    string Platform { get; }
}
