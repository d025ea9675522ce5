namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>The order in which an epoch shows images.</summary>
internal static class EpochOrder
{
    /// <summary>Every image once, as they are.</summary>
    /// <param name="order">Room for it, which is returned.</param>
    public static int[] Kept(int[] order)
    {
        for (var i = 0; i < order.Length; i++)
        {
            order[i] = i;
        }

        return order;
    }

    /// <summary>Every image once, in random order.</summary>
    /// <param name="order">Room for it, which is returned.</param>
    /// <param name="random">The source of random numbers.</param>
    public static int[] Shuffled(int[] order, Random random)
    {
        random.Shuffle(Kept(order));
        return order;
    }

    /// <summary>
    /// As many images as there are, every class equally often: those of a small class again and again, in a new order each time.
    /// </summary>
    /// <param name="classes">The images of each class.</param>
    /// <param name="count">The images of the epoch.</param>
    /// <param name="random">The source of random numbers.</param>
    public static int[] Balanced(IReadOnlyList<int[]> classes, int count, Random random)
    {
        var order = new List<int>(count);
        for (var i = 0; i < classes.Count; i++)
        {
            // What does not divide evenly goes to the first classes.
            var share = count / classes.Count + (i < count % classes.Count ? 1 : 0);
            var images = (int[])classes[i].Clone();
            for (var taken = 0; taken < share; taken += images.Length)
            {
                random.Shuffle(images);
                order.AddRange(images.AsSpan(0, Math.Min(images.Length, share - taken)));
            }
        }

        var result = order.ToArray();
        random.Shuffle(result);
        return result;
    }
}
