using Microsoft.ML.Data;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>A row that can be trained on: its identity in the view, its class counted from 0, and its weight.</summary>
internal readonly record struct LabeledRow(DataViewRowId Id, int Label, float Weight);
