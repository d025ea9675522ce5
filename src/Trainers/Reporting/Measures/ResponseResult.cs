using System.Collections.Immutable;

namespace Microsoft.ML.ResNet.Trainers.Reporting.Measures;

/// <summary>How strongly a network's layers respond.</summary>
/// <param name="Images">The images that they responded to.</param>
/// <param name="Layers">The 3×3 layers, from the image on.</param>
internal sealed record ResponseResult(long Images, ImmutableArray<LayerResponse> Layers);
