using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Augmentation;

/// <summary>Draws the order in which an epoch shows images that are kept.</summary>
internal sealed class EpochSampler
{
    private readonly BatchRandom? _random;
    private readonly int[] _order;
    private readonly int[][] _classes; // the images of each; none where all images come once

    /// <param name="images">The images.</param>
    /// <param name="seed">The seed; null to keep the images' order.</param>
    /// <param name="balance">What makes up for classes with few images.</param>
    public EpochSampler(ReadOnlySpan<ImageEntry> images, int? seed, ClassBalance balance)
    {
        _random = seed is null ? null : new BatchRandom(seed.Value);
        _order = new int[images.Length];
        _classes = balance == ClassBalance.Sampling ? new ClassCounts(images).Members(images) : [];
    }

    /// <summary>Draws the order of an epoch, as indices of images. It is valid until that of another is drawn.</summary>
    public int[] Order(int epoch) => _random is null
        ? EpochOrder.Kept(_order)
        : _classes.Length > 0
            ? EpochOrder.Balanced(_classes, _order.Length, _random.ForOrder(epoch))
            : EpochOrder.Shuffled(_order, _random.ForOrder(epoch));
}
