namespace Microsoft.ML.ResNet.Trainers;

/// <summary>The number format that convolutions compute in during training. The saved model always scores in float32.</summary>
public enum TrainingPrecision
{
    /// <summary>
    /// Whichever of the two trains faster on this machine: on x86, <see cref="BFloat16"/> where the CPU has fast instructions for it (AMX,
    /// or AVX-512 BF16 on AMD's), and <see cref="Float32"/> where it has none, or slow ones (Intel's where AMX is hidden by a virtual
    /// machine); elsewhere measured, once per process, in a fraction of a second. On a GPU it is <see cref="Float32"/>.
    /// </summary>
    Auto,

    /// <summary>float32 throughout.</summary>
    Float32,

    /// <summary>
    /// bfloat16 convolutions with float32 weights, statistics, gradients and updates: mixed precision. Where it is faster, 3×3 convolutions
    /// read and write bfloat16, and multiply in float32 with filters that are not rounded. On x86 without such instructions,
    /// values are rounded to bfloat16 and multiplied in float32: the same training, but for the order of sums, and no faster than <see
    /// cref="Float32"/>.
    /// </summary>
    BFloat16,
}
