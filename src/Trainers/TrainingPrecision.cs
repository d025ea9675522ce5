namespace Microsoft.ML.ResNet.Trainers;

/// <summary>The number format that convolutions compute in during training. The saved model always scores in float32.</summary>
public enum TrainingPrecision
{
    /// <summary>Whichever of the two trains faster on this machine; measured once per process, in a fraction of a second.</summary>
    Auto,

    /// <summary>float32 throughout.</summary>
    Float32,

    /// <summary>bfloat16 convolutions with float32 weights, statistics, gradients and updates: mixed precision.</summary>
    BFloat16,
}
