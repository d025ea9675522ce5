using System.Collections.Immutable;

namespace Microsoft.ML.ResNet.Graphs;

/// <summary>A tensor of a recognized network.</summary>
/// <param name="Name">PyTorch's name.</param>
/// <param name="Shape">Its dimensions.</param>
/// <param name="Values">Its values.</param>
internal sealed record RecognizedTensor(string Name, ImmutableArray<int> Shape, ReadOnlyMemory<float> Values);

/// <summary>What a graph was recognized as.</summary>
/// <param name="Architecture">The row of the table, or one made for it.</param>
/// <param name="Tensors">In the order of <see cref="LayerPlan.Weights"/>; without those of the head where there is none.</param>
/// <param name="Preprocessing">How pixels become the input, if the graph does that; null if not.</param>
internal sealed record RecognizedNetwork(
    ResNetArchitecture Architecture, ImmutableArray<RecognizedTensor> Tensors, ImagePreprocessing? Preprocessing);
