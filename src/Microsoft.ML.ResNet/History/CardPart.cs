using System.Collections.Immutable;

namespace Microsoft.ML.ResNet.History;

/// <summary>A part of a model card: a heading, and names with their values.</summary>
internal sealed record CardPart(string Heading, ImmutableArray<(string Name, string Value)> Rows);
