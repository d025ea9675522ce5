using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Images;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>Chooses how much larger than the network's input images are read, before they are averaged down to it.</summary>
internal static class Supersampling
{
    private const int Largest = 4;

    // Enough to know how large the images usually are.
    private const int SampleSize = 31;

    /// <summary>Looks at some images from all over the data.</summary>
    /// <returns>
    /// What they are like; its multiple is the largest of the network's input that the median of them covers.
    /// </returns>
    public static ImageSample Choose(IDataView data, ImageColumn image, LabeledRow[] rows, CancellationToken cancellation)
    {
        var step = Math.Max(1, rows.Length / SampleSize);
        LabeledRow[] sample = [.. rows.Where((_, place) => place % step == 0).Take(SampleSize)];

        LabeledRow[] spread = [.. sample.Where((_, i) => i % 2 == 0), .. sample.Where((_, i) => i % 2 != 0)];

        // More than half of them decide: where they agree, the others cannot move the median.
        List<(int Multiple, int LargerSide, string? Path)> seen = [];
        var (enough, most) = (sample.Length / 2 + 1, 0);
        for (var next = 0; next < spread.Length && most < enough;)
        {
            var count = Math.Min(enough - most, spread.Length - next);
            seen.AddRange(Look(data, image, spread[next..(next + count)], cancellation));
            most = seen.GroupBy(each => each.Multiple).Select(group => group.Count()).DefaultIfEmpty().Max();
            next += count;
        }

        return seen.Count == 0 ? ImageSample.None : new ImageSample(
            seen.Select(each => each.Multiple).Order().ElementAt(seen.Count / 2),
            seen.Select(each => each.LargerSide).Order().ElementAt(seen.Count / 2),
            ImageSample.FolderOf([.. seen.Select(each => each.Path)]));
    }

    private static IEnumerable<(int Multiple, int LargerSide, string? Path)> Look(
        IDataView data, ImageColumn image, LabeledRow[] rows, CancellationToken cancellation)
    {
        var (column, seen) = (data.Schema[image.Name], new (int Multiple, int LargerSide, string? Path)[rows.Length]);
        new SharedRows(data, [column], rows, cancellation).Read(cursor =>
        {
            var (getImage, pixels) = (cursor.GetGetter<MLImage>(column), default(MLImage)!);
            return place =>
            {
                try
                {
                    getImage(ref pixels);
                    var ratio = Math.Min((double)pixels.Height / image.Shape.Height, (double)pixels.Width / image.Shape.Width);
                    seen[place] = (Math.Clamp((int)ratio, 1, Largest), Math.Max(pixels.Height, pixels.Width), pixels.Tag);
                }
                catch (Exception exception) when (exception is not OperationCanceledException)
                {
                    pixels = null!; // reading will find it again, and knows what to say
                }
            };
        });
        return seen.Where(each => each.Multiple > 0);
    }
}
