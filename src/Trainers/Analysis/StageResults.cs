using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Analysis;

/// <summary>What a network computed of a batch of images, with the gradients' way from the one to the other.</summary>
/// <param name="Activations">A stage's results, [batch, channels, height, width].</param>
/// <param name="Logits">The network's results, [batch, classes].</param>
internal sealed record StageResults(Tensor Activations, Tensor Logits);
