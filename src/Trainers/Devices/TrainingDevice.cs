using System.Globalization;

namespace Microsoft.ML.ResNet.Trainers;

/// <summary>The processor that a network is trained on: the CPU, or a GPU.</summary>
/// <remarks>Names are PyTorch's: <c>cpu</c>, <c>cuda:0</c>, <c>mps</c>.</remarks>
public readonly record struct TrainingDevice
{
    private const string AutoName = "auto", CpuName = "cpu", CudaName = "cuda", MpsName = "mps";

    private readonly string? _name; // null is Auto, the default of the type
    private readonly int _index;

    private TrainingDevice(string name, int index = 0) => (_name, _index) = (name, index);

    /// <summary>
    /// Gets the choice of the first GPU that CUDA can use, where the application references a libtorch for CUDA; of the CPU elsewhere, and
    /// where several processes train together.
    /// </summary>
    public static TrainingDevice Auto => default;

    /// <summary>Gets the CPU.</summary>
    public static TrainingDevice Cpu { get; } = new(CpuName);

    /// <summary>Gets the GPU of a Mac with Apple's processor. <see cref="Auto"/> never takes it.</summary>
    public static TrainingDevice Mps { get; } = new(MpsName);

    /// <summary>Gets the number of a GPU among those that CUDA can use.</summary>
    /// <value>0 where there is one of the kind.</value>
    public int Index => _index;

    internal bool IsAuto => _name is null;

    internal bool IsCpu => this == Cpu;

    internal bool IsCuda => _name == CudaName;

    /// <summary>Gets a GPU that CUDA can use.</summary>
    /// <param name="index">Its number, counted from 0, in CUDA's order.</param>
    /// <returns>The GPU. Whether it is there is looked at when training starts.</returns>
    public static TrainingDevice Cuda(int index = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        return new TrainingDevice(CudaName, index);
    }

    /// <summary>Reads a device's name.</summary>
    /// <param name="name"><c>auto</c>, <c>cpu</c>, <c>cuda</c>, <c>cuda:1</c> or <c>mps</c>; case does not matter.</param>
    /// <returns>The device; <c>cuda</c> is <c>cuda:0</c>.</returns>
    /// <exception cref="ArgumentException">No device has that name.</exception>
    public static TrainingDevice Parse(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return TryParse(name, out var device)
            ? device
            : throw new ArgumentException(
                $"There is no device '{name}'. It must be auto, cpu, cuda, cuda:N with N the number of a GPU counted from 0, or mps.",
                nameof(name));
    }

    /// <summary>Reads a device's name, if it is one.</summary>
    /// <param name="name">As in <see cref="Parse"/>.</param>
    /// <param name="device">The device; <see cref="Auto"/> where no device has that name.</param>
    /// <returns>Whether a device has that name.</returns>
    public static bool TryParse(string? name, out TrainingDevice device)
    {
        var parts = name?.Trim().ToLowerInvariant().Split(':') ?? [];
        TrainingDevice? found = parts switch
        {
            [AutoName] => Auto,
            [CpuName] => Cpu,
            [MpsName] => Mps,
            [CudaName] => Cuda(),
            [CudaName, var number] when int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var index) => Cuda(index),
            _ => null,
        };
        device = found ?? Auto;
        return found is not null;
    }

    /// <summary>Returns the device's name.</summary>
    /// <returns>Such as <c>cpu</c> or <c>cuda:0</c>; <see cref="Parse"/> reads it.</returns>
    public override string ToString() =>
        IsCuda ? string.Create(CultureInfo.InvariantCulture, $"{CudaName}:{_index}") : _name ?? AutoName;
}
