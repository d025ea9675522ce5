namespace Microsoft.ML.ResNet.Trainers;

/// <summary>The number format in which processes that train together send each other gradients.</summary>
public enum GradientExchange
{
    /// <summary>float32: two processes of one worker give the weights of one process with two, to the bit.</summary>
    Float32 = 0,

    /// <summary>bfloat16: half the bytes, for a network that is slow. Gradients are rounded to 8 bits before they are added up, and their
    /// sums too; sums are computed in float32.</summary>
    BFloat16 = 1,
}
