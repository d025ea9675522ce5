namespace Microsoft.ML.ResNet.Trainers;

/// <summary>How a convolution is computed on this CPU, and how right it is.</summary>
/// <param name="Convolution">Its kernel, channels, stride and images, in words.</param>
/// <param name="NumberType">The type that it multiplies in: Float32 or BFloat16.</param>
/// <param name="Method">How it is computed: Direct is Torch's own convolution.</param>
/// <param name="Error">The largest error of its result and gradients, in units of their root mean square; about 1e-5 in float32 and 0.03 in
/// bfloat16 are rounding.</param>
/// <param name="IsReplaced">Whether the way that would have been taken was wrong, and this one took its place.</param>
public sealed record ConvolutionDiagnosis(string Convolution, string NumberType, string Method, double Error, bool IsReplaced);
