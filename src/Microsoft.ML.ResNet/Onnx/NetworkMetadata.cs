using System.Collections.Immutable;
using System.Text.Json;
using Microsoft.ML.ResNet.Scoring;

namespace Microsoft.ML.ResNet.Onnx;

/// <summary>What a file of weights says about itself, as text: the metadata of ONNX models, and of safetensors files.</summary>
internal static class NetworkMetadata
{
    public const string Architecture = "architecture";
    public const string ClassNames = "class_names";
    public const string Preprocessing = "preprocessing";

    public static ImmutableArray<KeyValuePair<string, string>> Of(ResNetModel network, ImmutableArray<string> classNames) =>
    [
        new(Architecture, network.Plan.Architecture.Name),
        .. classNames.IsEmpty ? Array.Empty<KeyValuePair<string, string>>() : [new(ClassNames, JsonSerializer.Serialize(classNames))],
        new(Preprocessing, JsonSerializer.Serialize(network.Preprocessing)),
    ];
}
