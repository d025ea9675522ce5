namespace Microsoft.ML.ResNet.Trainers.Reporting.Measures;

/// <summary>The numbers of a report on a network that gives an image any number of labels.</summary>
internal sealed record MultilabelReport : NetworkReport
{
    public required MultilabelMetrics Metrics { get; init; }
}
