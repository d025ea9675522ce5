using System.Collections.Immutable;
using Microsoft.ML.ResNet.Weights;

namespace Microsoft.ML.ResNet.Onnx;

/// <summary>What an ONNX model says about itself; <see cref="ResNetWeights.Load"/> reads it back.</summary>
internal static class NetworkMetadata
{
    public static ImmutableArray<KeyValuePair<string, string>> Of(ResNetModel network, ImmutableArray<string> classNames) =>
    [
        new(WeightsMetadata.Architecture, network.Plan.Architecture.Name),
        .. classNames.IsEmpty
            ? Array.Empty<KeyValuePair<string, string>>()
            : [new(WeightsMetadata.ClassNames, WeightsMetadata.Write(classNames))],
        .. network.Quantization is null ? Array.Empty<KeyValuePair<string, string>>() : [new(WeightsMetadata.Quantization, "int8")],
        .. network.Card is { } card
            ? [new(WeightsMetadata.Card, WeightsMetadata.Write(card))]
            : Array.Empty<KeyValuePair<string, string>>(),
        new(WeightsMetadata.Preprocessing, WeightsMetadata.Write(network.Preprocessing)),
    ];
}
