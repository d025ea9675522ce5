using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Analysis;

/// <summary>Some images, view after view.</summary>
/// <param name="Count">The number of images.</param>
/// <param name="Views">Each is [count, channels, height, width], normalized, and made when it is asked for.</param>
internal sealed record ViewBatch(int Count, IEnumerable<Tensor> Views);
