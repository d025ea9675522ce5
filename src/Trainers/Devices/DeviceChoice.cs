namespace Microsoft.ML.ResNet.Trainers.Devices;

/// <summary>Chooses the device that a network is trained on.</summary>
internal static class DeviceChoice
{
    /// <summary>Gets the device to train on: the one that is asked for, if it is there.</summary>
    /// <param name="asked">What the options say.</param>
    /// <param name="there">What there is.</param>
    /// <param name="processes">The processes that train together.</param>
    /// <returns>A device; not Auto.</returns>
    /// <exception cref="DllNotFoundException">CUDA is asked for, and the application's libtorch is one for the CPU; the message names the
    /// package to add.</exception>
    /// <exception cref="InvalidOperationException">The device is not there; or several processes train together on another than the
    /// CPU.</exception>
    public static TrainingDevice Of(TrainingDevice asked, ITorchDevices there, int processes = 1)
    {
        if (processes > 1)
        {
            return asked.IsAuto || asked.IsCpu ? TrainingDevice.Cpu : throw NotTogether(asked, processes);
        }

        if (asked.IsAuto)
        {
            return there.CudaCount > 0 ? TrainingDevice.Cuda() : TrainingDevice.Cpu;
        }

        if (asked.IsCuda)
        {
            CheckCuda(asked, there);
        }

        return asked != TrainingDevice.Mps || there.HasMps
            ? asked
            : throw new InvalidOperationException(
                $"Device is {asked}, but libtorch finds no such GPU: it needs macOS on an Apple processor, and libtorch-cpu-osx-arm64. "
                + "Set Device to Auto.");
    }

    private static void CheckCuda(TrainingDevice asked, ITorchDevices there)
    {
        if (!there.HasCudaLibrary)
        {
            throw new DllNotFoundException(LibTorchSharpLoader.MissingCuda(asked.ToString(), there.Platform));
        }

        var count = there.CudaCount;
        if (count == 0)
        {
            throw new InvalidOperationException(
                $"Device is {asked}, but libtorch finds no GPU that CUDA can use. See whether nvidia-smi lists one: without it, NVIDIA's "
                + "driver is missing, too old for CUDA 12.8, or hidden from this process (CUDA_VISIBLE_DEVICES, a container without GPUs). "
                + "To train on the CPU, set Device to Cpu.");
        }

        if (asked.Index >= count)
        {
            var others = count == 1 ? "one, cuda:0" : $"{count}, cuda:0 to cuda:{count - 1}";
            throw new InvalidOperationException($"Device is {asked}, but of the GPUs that CUDA can use there is only {others}.");
        }
    }

    private static InvalidOperationException NotTogether(TrainingDevice asked, int processes) => new(
        $"{processes} processes were started to train together, and Device is {asked}: processes train together on CPUs only. Start one "
        + "process, or set Distributed to Off; or set Device to Cpu.");
}
