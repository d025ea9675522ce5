namespace Microsoft.ML.ResNet.Trainers;

/// <summary>What a report holds beside the numbers, and how it is made.</summary>
public sealed record ReportOptions
{
    /// <summary>Gets the heading.</summary>
    /// <value>The default is <see langword="null"/>: the network's name.</value>
    public string? Title { get; init; }

    /// <summary>Gets how the network was trained, in words or as a command line; shown as it is.</summary>
    /// <value>
    /// The default is <see langword="null"/>: nothing. The recipe that was in force stands in the report's model card anyway.
    /// </value>
    public string? Recipe { get; init; }

    /// <summary>Gets the name of the label column, a key whose values are names of the network's classes.</summary>
    /// <value>The default is <c>Label</c>.</value>
    public string LabelColumnName { get; init; } = "Label";

    /// <summary>Gets the name of a text column with the images' paths, of which the report shows the file and its folder.</summary>
    /// <value>The default is <c>ImagePath</c>, as LoadImageFolder names it; without such a column, no names are shown.</value>
    public string PathColumnName { get; init; } = "ImagePath";

    /// <summary>Gets the most mistakes to show: those that the network was surest of.</summary>
    /// <value>0 to 1000. The default is 24.</value>
    public int WorstMistakes { get; init; } = 24;

    /// <summary>Gets the longer side of the pictures of mistakes; larger images are reduced to it.</summary>
    /// <value>In pixels, 16 to 512. The default is 128.</value>
    public int ThumbnailSize { get; init; } = 128;

    /// <summary>Gets whether heat maps beside those pictures show where the network looked (Grad-CAM, Selvaraju et al., 2017).</summary>
    /// <value>The default is <see langword="true"/>. It takes about as long as scoring those images again.</value>
    public bool GradCam { get; init; } = true;

    /// <summary>
    /// Gets the most test images to measure the layers' responses on (He et al., 2016, figure 7), spread evenly over the data.
    /// </summary>
    /// <value>The default is 500, more than which hardly change a standard deviation; 0 for none.</value>
    public int LayerResponseImages { get; init; } = 500;

    /// <summary>Gets the views of the test images to score in addition to the single one.</summary>
    /// <value>
    /// The default is <see cref="TestTimeViews.Flip"/>, for which the network computes each image twice more; <see
    /// cref="TestTimeViews.TenCrop"/> takes ten times more, and an empty list no time.
    /// </value>
    public IReadOnlyList<TestTimeViews> TestTimeViews { get; init; } = [Trainers.TestTimeViews.Flip];

    /// <summary>Gets other training runs, to draw their errors in one chart with this network's (He et al., 2016, figure 6).</summary>
    /// <value>Each has a name and at least one epoch. The default is none: no such chart.</value>
    public IReadOnlyList<(string Name, TrainingHistory History)> ComparedRuns { get; init; } = [];

    /// <summary>
    /// Gets labelled data that the network was neither trained nor tested on, to fit a temperature to (Guo et al., 2017).
    /// </summary>
    /// <value>
    /// With the columns of the test data. The default is <see langword="null"/>: the report does not say what temperature scaling would do.
    /// </value>
    public IDataView? CalibrationData { get; init; }

    /// <summary>Gets the data that the network was trained on, to find test images that are among it, or look the same.</summary>
    /// <value>
    /// With the image column of the test data, and its column of paths if there is one; no label is read. The default is
    /// <see langword="null"/>: the report does not tell. Every image of both goes through the network once more.
    /// </value>
    public IDataView? TrainingData { get; init; }

    /// <summary>Gets labels that are probably wrong, to be shown in the report: what <see cref="ResNetLabelIssues"/> finds.</summary>
    /// <value>The default is <see langword="null"/>: no such section.</value>
    public LabelIssues? LabelIssues { get; init; }

    /// <summary>Gets the token that stops the evaluation with an <see cref="OperationCanceledException"/>.</summary>
    /// <value>The default never does.</value>
    public CancellationToken CancellationToken { get; init; }

    internal void Validate()
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(LabelColumnName, nameof(LabelColumnName));
        ArgumentException.ThrowIfNullOrWhiteSpace(PathColumnName, nameof(PathColumnName));
        ArgumentOutOfRangeException.ThrowIfNegative(WorstMistakes, nameof(WorstMistakes));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(WorstMistakes, 1000, nameof(WorstMistakes));
        ArgumentOutOfRangeException.ThrowIfLessThan(ThumbnailSize, 16, nameof(ThumbnailSize));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(ThumbnailSize, 512, nameof(ThumbnailSize));
        ArgumentOutOfRangeException.ThrowIfNegative(LayerResponseImages, nameof(LayerResponseImages));
        ArgumentNullException.ThrowIfNull(TestTimeViews, nameof(TestTimeViews));
        ArgumentNullException.ThrowIfNull(ComparedRuns, nameof(ComparedRuns));
        foreach (var (name, history) in ComparedRuns)
        {
            if (history is null || history.Epochs.IsEmpty)
            {
                throw new ArgumentException($"Run '{name}' has no epochs to draw.", nameof(ComparedRuns));
            }
        }
    }
}
