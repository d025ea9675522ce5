using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Augmentation;

/// <summary>How many images each class has, and what makes up for it.</summary>
internal sealed class ClassCounts
{
    private readonly int[] _counts;
    private readonly int _images;

    public ClassCounts(ReadOnlySpan<ImageEntry> images)
    {
        var last = -1;
        foreach (ref readonly var image in images)
        {
            last = Math.Max(last, image.Label);
        }

        (_counts, _images) = (new int[last + 1], images.Length);
        foreach (ref readonly var image in images)
        {
            _counts[image.Label]++;
        }
    }

    /// <summary>Gets what an image of each class counts in the loss.</summary>
    public float[] Weights(ClassBalance balance)
    {
        var classes = _counts.Count(count => count > 0);
        return Array.ConvertAll(
            _counts, count => balance == ClassBalance.Weights && count > 0 ? (float)_images / (classes * count) : 1);
    }

    /// <summary>Gets the indices of each class's images, for the classes that have any.</summary>
    /// <param name="images">The images that were counted.</param>
    public int[][] Members(ReadOnlySpan<ImageEntry> images)
    {
        var (classes, filled) = (Array.ConvertAll(_counts, count => new int[count]), new int[_counts.Length]);
        for (var i = 0; i < images.Length; i++)
        {
            var label = images[i].Label;
            classes[label][filled[label]++] = i;
        }

        return [.. classes.Where(members => members.Length > 0)];
    }
}
