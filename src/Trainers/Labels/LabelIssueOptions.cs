namespace Microsoft.ML.ResNet.Trainers;

/// <summary>How wrong labels are looked for.</summary>
public sealed record LabelIssueOptions
{
    /// <summary>Gets the name of the label column, a key.</summary>
    /// <value>The default is <c>Label</c>.</value>
    public string LabelColumnName { get; init; } = "Label";

    /// <summary>Gets the name of the column of features, a vector of floats.</summary>
    /// <value>The default is <c>Features</c>. A network that is given computes its own: then this name is not used.</value>
    public string FeatureColumnName { get; init; } = "Features";

    /// <summary>Gets the name of the column of images that the pictures of the list are made from.</summary>
    /// <value>The default is <c>Image</c>; without such a column, or where it holds no images, the list has no pictures.</value>
    public string ImageColumnName { get; init; } = "Image";

    /// <summary>Gets the name of a text column with the images' paths.</summary>
    /// <value>The default is <c>ImagePath</c>, as LoadImageFolder names it; without such a column, rows are known by their number.</value>
    public string PathColumnName { get; init; } = "ImagePath";

    /// <summary>Gets the number of parts that the data is divided into: each is judged by a head that the others trained.</summary>
    /// <value>2 to 100. The default is 5.</value>
    public int Folds { get; init; } = 5;

    /// <summary>Gets the seed that decides which image lies in which part.</summary>
    /// <value>The default is 1.</value>
    public int Seed { get; init; } = 1;

    /// <summary>Gets how many of the list's images are kept as small pictures, the first ones.</summary>
    /// <value>0 to 10,000. The default is 200.</value>
    public int Thumbnails { get; init; } = 200;

    /// <summary>Gets the longer side of these pictures; larger images are reduced to it.</summary>
    /// <value>In pixels, 16 to 512. The default is 128.</value>
    public int ThumbnailSize { get; init; } = 128;

    /// <summary>Gets the token that stops the search with an <see cref="OperationCanceledException"/>.</summary>
    /// <value>The default never does.</value>
    public CancellationToken CancellationToken { get; init; }

    internal void Validate()
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(LabelColumnName, nameof(LabelColumnName));
        ArgumentException.ThrowIfNullOrWhiteSpace(FeatureColumnName, nameof(FeatureColumnName));
        ArgumentException.ThrowIfNullOrWhiteSpace(ImageColumnName, nameof(ImageColumnName));
        ArgumentException.ThrowIfNullOrWhiteSpace(PathColumnName, nameof(PathColumnName));
        ThrowIfOutside(Folds, 2, 100, nameof(Folds));
        ThrowIfOutside(Thumbnails, 0, 10_000, nameof(Thumbnails));
        ThrowIfOutside(ThumbnailSize, 16, 512, nameof(ThumbnailSize));
    }

    private static void ThrowIfOutside(int value, int least, int most, string name)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(value, least, name);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, most, name);
    }
}
