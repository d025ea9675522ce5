using System.Collections.Immutable;

namespace Microsoft.ML.ResNet.Trainers;

/// <summary>Which views of an image a network sees when it is tested: the mean of their probabilities is the image's.</summary>
/// <remarks>An immutable value; two are equal if they are the same views.</remarks>
public sealed record TestTimeViews
{
    // He et al. (2016), section 3.4.
    private static readonly ImmutableArray<int> PaperSides = [224, 256, 384, 480, 640];

    private TestTimeViews(bool mirrored, bool corners, ImmutableArray<int> shorterSides)
    {
        Mirrored = mirrored;
        Corners = corners;
        ShorterSides = shorterSides;
    }

    /// <summary>Gets the view that the model itself scores.</summary>
    /// <value>1 view: the paper's test on CIFAR-10 (He et al., 2016, section 4.2).</value>
    public static TestTimeViews Single { get; } = new(mirrored: false, corners: false, []);

    /// <summary>Gets that view and its mirror image.</summary>
    /// <value>2 views.</value>
    public static TestTimeViews Flip { get; } = new(mirrored: true, corners: false, []);

    /// <summary>
    /// Gets the crops at the four corners and in the centre, and their mirror images (Krizhevsky et al., 2012, section 4.1).
    /// </summary>
    /// <remarks>
    /// Where the network reads more than 48 pixels per side, images are resized to 8/7 of its input, as 256 is to 224, or further where
    /// the model itself leaves a wider border out. For smaller networks, and for vectors, which cannot be resized, the image gets a
    /// border of zeros an eighth of its size, after normalization: 4 pixels around 32×32. That is how <see
    /// cref="ImageAugmentation.CropAndFlip"/> trains, so such networks have seen shifted images, but none enlarged.
    /// </remarks>
    /// <value>10 views.</value>
    public static TestTimeViews TenCrop { get; } = new(mirrored: true, corners: true, []);

    /// <summary>Gets whether the mirror image of each view is a view too.</summary>
    /// <value><see langword="false"/> for <see cref="Single"/> only.</value>
    public bool Mirrored { get; }

    /// <summary>Gets whether the corners are views too.</summary>
    /// <value><see langword="true"/> for <see cref="TenCrop"/> only.</value>
    public bool Corners { get; }

    /// <summary>
    /// Gets the scales at which the whole image is a view, as the shorter side in pixels for a network that reads 224×224.
    /// </summary>
    /// <value>None but for <see cref="MultiScale"/>.</value>
    public ImmutableArray<int> ShorterSides { get; }

    /// <summary>Gets the number of views.</summary>
    internal int Count => (Mirrored ? 2 : 1) * (Corners ? 5 : 1) * Math.Max(1, ShorterSides.Length);

    /// <summary>
    /// Makes views of the whole image at several scales, and their mirror images, for which the network is fully convolutional (He et al.,
    /// 2016, section 3.4).
    /// </summary>
    /// <remarks>
    /// An image is resized, with its own proportions, up to 4:1, so that it just covers the network's input times side / 224. Scores are
    /// averaged over the image's positions before the softmax, and probabilities over scales and mirror images after it (Simonyan and
    /// Zisserman, 2015, section 3.2). A network does well at the scales that it was trained on, as with <see
    /// cref="ImageAugmentation.ScaleJitter"/>; one trained at a single size, as those for CIFAR are, loses accuracy at twice that size.
    /// </remarks>
    /// <param name="shorterSides">The scales: shorter sides in pixels, for a network that reads 224×224; none for the paper's 224, 256,
    /// 384, 480 and 640.</param>
    /// <returns>2 views for each scale.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A side is not positive.</exception>
    public static TestTimeViews MultiScale(params ReadOnlySpan<int> shorterSides)
    {
        foreach (var side in shorterSides)
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(side, nameof(shorterSides));
        }

        return new TestTimeViews(mirrored: true, corners: false, shorterSides.IsEmpty ? PaperSides : [.. shorterSides]);
    }

    /// <summary>Tells whether two are the same views.</summary>
    /// <param name="other">The other.</param>
    /// <returns>Whether they are.</returns>
    public bool Equals(TestTimeViews? other) =>
        other is not null
            && (Mirrored, Corners) == (other.Mirrored, other.Corners)
            && ShorterSides.AsSpan().SequenceEqual(other.ShorterSides.AsSpan());

    /// <summary>Gets a hash code that equal views share.</summary>
    /// <returns>The hash code.</returns>
    public override int GetHashCode() => ShorterSides.Aggregate(HashCode.Combine(Mirrored, Corners), HashCode.Combine);

    /// <summary>Returns the views' usual name.</summary>
    /// <returns>For example <c>10-crop</c>.</returns>
    public override string ToString() =>
        !ShorterSides.IsEmpty ? $"multi-scale {string.Join(", ", ShorterSides)}"
        : Corners ? "10-crop"
        : Mirrored ? "image and mirror image" : "single view";
}
