namespace Microsoft.ML.ResNet.Trainers.Augmentation;

/// <summary>How the images of an epoch are cut into batches, and which of them each process makes.</summary>
/// <remarks>
/// Images are named by their places in the epoch's order. 130 images at 64 are 44 + 43 + 43: no last batch is so small that its statistics
/// mislead batch normalization.
/// </remarks>
/// <param name="ImageCount">The images of an epoch.</param>
/// <param name="BatchSize">The most images per batch.</param>
internal sealed record BatchPlan(int ImageCount, int BatchSize)
{
    private readonly int _smallest = ImageCount / Math.Max(1, BatchesOf(ImageCount, BatchSize)); // images of the smaller batches
    private readonly int _larger = ImageCount % Math.Max(1, BatchesOf(ImageCount, BatchSize)); // so many batches have one more

    /// <summary>Gets the number of batches.</summary>
    public int Count { get; } = BatchesOf(ImageCount, BatchSize);

    /// <summary>Gets the slice of each batch whose images are made, by its number and that of all slices.</summary>
    /// <value>The default is the whole batch.</value>
    public (int Number, int Count) Slice { get; init; } = (0, 1);

    /// <summary>Gets which of the batches are made, the first and so many further on.</summary>
    /// <value>The default is all of them.</value>
    public (int First, int Stride) Batches { get; init; } = (0, 1);

    /// <summary>Gets whether each image is mixed with the one before it in its batch, and the first with the last.</summary>
    /// <value>The default is <see langword="false"/>.</value>
    public bool MixesImages { get; init; }

    /// <summary>Gets the processes that take part: each makes a slice of all batches, or all of some.</summary>
    public int Takers => Math.Max(Slice.Count, Batches.Stride);

    /// <summary>Gets the rounds of an epoch. In each, every process makes one batch, or its slice of it; in the last, some may have
    /// none.</summary>
    public int Rounds => RoundOf(Count + Batches.Stride - 1);

    /// <summary>Gets the number of images in a batch.</summary>
    public int SizeOf(int batch) => _smallest + (batch < _larger ? 1 : 0);

    /// <summary>Gets the place of a batch's first image: the number of images in the batches before it.</summary>
    public int StartOf(int batch) => _smallest * batch + Math.Min(batch, _larger);

    /// <summary>Gets whether this process makes a batch, or a slice of it.</summary>
    public bool IsOwn(int batch) => batch % Batches.Stride == Batches.First;

    /// <summary>Gets the round in which a batch is made.</summary>
    public int RoundOf(int batch) => batch / Batches.Stride;

    /// <summary>Gets the slice of a batch that this process makes.</summary>
    public BatchSlice SliceOf(int batch) => SliceOf(batch, Slice.Number);

    /// <summary>Gets whether this process needs the pixels of the image in a place.</summary>
    public bool IsNeeded(int place)
    {
        var imagesInLarger = (_smallest + 1) * _larger;
        var batch = place < imagesInLarger ? place / (_smallest + 1) : _larger + (place - imagesInLarger) / _smallest;
        return SliceOf(batch).Needs(place - StartOf(batch));
    }

    /// <summary>Gets the places of the images that a rank needs in a round, in the order in which it does.</summary>
    public IEnumerable<int> NeededBy(int rank, int round)
    {
        var batch = round * Batches.Stride + (Batches.Stride > 1 ? rank : 0);
        if (batch >= Count)
        {
            yield break;
        }

        var (start, size, slice) = (StartOf(batch), SizeOf(batch), SliceOf(batch, Slice.Count > 1 ? rank : 0));
        for (var i = 0; i < size; i++)
        {
            if (slice.Needs(i))
            {
                yield return start + i;
            }
        }
    }

    private static int BatchesOf(int images, int batchSize) => (images + batchSize - 1) / batchSize;

    private BatchSlice SliceOf(int batch, int number)
    {
        var size = SizeOf(batch);
        var (first, end) = ((int)((long)size * number / Slice.Count), (int)((long)size * (number + 1) / Slice.Count));
        return new BatchSlice(first, end, MixesImages ? (first == 0 ? size : first) - 1 : null);
    }
}

/// <summary>A slice of a batch, whose images are counted from the batch's first.</summary>
/// <param name="First">The first image that is made.</param>
/// <param name="End">The one after the last.</param>
/// <param name="MixedIn">The image that is mixed into the first of them; null where images are not mixed.</param>
internal readonly record struct BatchSlice(int First, int End, int? MixedIn)
{
    /// <summary>Gets whether an image's pixels are needed: it is made, or mixed into one that is.</summary>
    public bool Needs(int image) => (image >= First && image < End) || image == MixedIn;
}
