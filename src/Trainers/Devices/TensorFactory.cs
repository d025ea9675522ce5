using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Devices;

/// <summary>Makes every tensor of a training, on its device. Nothing else calls Torch's functions that make one.</summary>
/// <remarks>
/// What the program itself reads and writes lies in the CPU's memory: batches before they are copied, settings and counters that
/// TorchScript takes as numbers, weights on their way from and to files.
/// </remarks>
internal sealed class TensorFactory
{
    private readonly Device? _device; // null is Torch's own default: the CPU

    private TensorFactory(TrainingDevice device, Device? own) => (Device, _device) = (device, own);

    /// <summary>Gets the one for the CPU.</summary>
    public static TensorFactory OnCpu { get; } = new(TrainingDevice.Cpu, own: null);

    /// <summary>Gets the device.</summary>
    public TrainingDevice Device { get; }

    /// <summary>Gets whether tensors lie where the program can read and write their values.</summary>
    public bool IsOnCpu => Device.IsCpu;

    /// <summary>Gets whether another thread than that which trains may copy to the device: Apple's takes commands of one.</summary>
    public bool CopiesAhead => Device != TrainingDevice.Mps;

    /// <summary>Makes one for a device that is there.</summary>
    public static TensorFactory On(TrainingDevice device) =>
        device.IsCpu ? OnCpu : new TensorFactory(device, new Device(device.ToString()));

    /// <summary>Makes one that is told to be of a device, and uses another: for tests where there is no GPU.</summary>
    public static TensorFactory Fake(TrainingDevice device, Device used) => new(device, used);

    /// <summary>Makes a tensor whose values are anything.</summary>
    public Tensor Empty(long[] shape, ScalarType type) => empty(shape, type, _device);

    /// <summary>Makes a tensor of zeros.</summary>
    public Tensor Zeros(long[] shape, ScalarType type) => zeros(shape, type, _device);

    /// <summary>Makes a tensor of Booleans.</summary>
    public Tensor Of(bool[] values, params long[] shape) => tensor(values, shape, device: _device);

    /// <summary>Makes a tensor of integers.</summary>
    public Tensor Of(long[] values, params long[] shape) => tensor(values, shape, device: _device);

    /// <summary>Makes a tensor of floats.</summary>
    public Tensor Of(float[] values, params long[] shape) => tensor(values, shape, device: _device);

    /// <summary>Makes a tensor in the CPU's memory to be copied to the device: where that is CUDA's, of pages that the GPU reads
    /// itself.</summary>
    public Tensor Staging(long[] shape, ScalarType type)
    {
        var staging = empty(shape, type);
        if (_device is not { type: TorchSharp.DeviceType.CUDA })
        {
            return staging;
        }

        using (staging)
        {
            return staging.pin_memory();
        }
    }

    /// <summary>Gets a tensor on the device: itself, if it lies there.</summary>
    public Tensor Here(Tensor tensor) => _device is null ? tensor : tensor.to(_device);

    /// <summary>Makes a tensor of another's shape, type, strides and device, whose values are anything.</summary>
    public static Tensor EmptyLike(Tensor tensor) => empty_like(tensor, requires_grad: false);

    /// <summary>Makes a tensor of zeros of another's shape, type, strides and device.</summary>
    public static Tensor ZerosLike(Tensor tensor) => zeros_like(tensor, requires_grad: false);

    /// <summary>Makes a number for TorchScript, which reads it as a float: a scalar of float64 in the CPU's memory, on every
    /// device.</summary>
    public static Tensor Number(double value) => tensor(value, ScalarType.Float64);

    /// <summary>Makes a tensor of numbers from 0 to 1, at random, in the CPU's memory: the same on every device.</summary>
    public static Tensor Random(long[] shape, Generator generator) => rand(shape, generator: generator);
}
