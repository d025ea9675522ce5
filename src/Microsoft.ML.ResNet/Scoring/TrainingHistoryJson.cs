using System.Text.Json.Serialization;

namespace Microsoft.ML.ResNet.Scoring;

/// <summary>Reads and writes <see cref="TrainingHistory"/>. A loss that is not a number is written as "NaN", which plain JSON cannot say.</summary>
[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(TrainingHistory))]
internal sealed partial class TrainingHistoryJson : JsonSerializerContext;
