using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Images;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>Chooses how much larger than the network's input images are read, before they are averaged down to it.</summary>
internal static class Supersampling
{
    private const int Largest = 4;

    // Enough to know how large the images usually are.
    private const int SampleSize = 31;

    /// <summary>
    /// Finds the largest multiple of the network's input size that a typical image covers: the median of a sample from all of the data.
    /// </summary>
    public static int Choose(IDataView data, ImageColumn image, LabeledRow[] rows, CancellationToken cancellation)
    {
        var step = Math.Max(1, rows.Length / SampleSize);
        LabeledRow[] sample = [.. rows.Where((_, place) => place % step == 0).Take(SampleSize)];

        LabeledRow[] spread = [.. sample.Where((_, i) => i % 2 == 0), .. sample.Where((_, i) => i % 2 != 0)];

        // More than half of them decide: where they agree, the others cannot move the median.
        var (multiples, enough, most) = (new List<int>(), sample.Length / 2 + 1, 0);
        for (var next = 0; next < spread.Length && most < enough;)
        {
            var count = Math.Min(enough - most, spread.Length - next);
            multiples.AddRange(Multiples(data, image, spread[next..(next + count)], cancellation));
            most = multiples.GroupBy(multiple => multiple).Select(group => group.Count()).DefaultIfEmpty().Max();
            next += count;
        }

        return multiples.Count == 0 ? 1 : multiples.Order().ElementAt(multiples.Count / 2);
    }

    private static List<int> Multiples(IDataView data, ImageColumn image, LabeledRow[] rows, CancellationToken cancellation)
    {
        var (column, multiples) = (data.Schema[image.Name], new int[rows.Length]);
        new SharedRows(data, [column], rows, cancellation).Read(cursor =>
        {
            var (getImage, pixels) = (cursor.GetGetter<MLImage>(column), default(MLImage)!);
            return place =>
            {
                try
                {
                    getImage(ref pixels);
                    var ratio = Math.Min((double)pixels.Height / image.Shape.Height, (double)pixels.Width / image.Shape.Width);
                    multiples[place] = Math.Clamp((int)ratio, 1, Largest);
                }
                catch (Exception exception) when (exception is not OperationCanceledException)
                {
                    pixels = null!; // reading will find it again, and knows what to say
                }
            };
        });
        return [.. multiples.Where(multiple => multiple > 0)];
    }
}
