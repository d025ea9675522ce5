using System.Collections.Concurrent;
using System.Numerics;
using Microsoft.ML.ResNet.Trainers.Data;
using Microsoft.ML.ResNet.Trainers.Distributed;

namespace Microsoft.ML.ResNet.Trainers.Augmentation;

/// <summary>Takes images that several ranks keep together: those that are not here are brought before they are needed.</summary>
/// <remarks>
/// Only the thread that reads batches may call the other ranks. So images are brought between two batches, as far ahead of those that are
/// filled as there is room for batches.
/// </remarks>
/// <param name="images">The images.</param>
/// <param name="ranks">The ranks.</param>
/// <param name="plan">How the images are cut into batches.</param>
/// <param name="sampler">Draws their order.</param>
/// <param name="room">The batches that are read, wait or are filled at one time.</param>
internal sealed class SpreadImageSource<T>(ImageSet<T> images, ICollective ranks, BatchPlan plan, EpochSampler sampler, int room)
    : IImageSource<T>
    where T : unmanaged, INumberBase<T>
{
    private readonly KeptImageSource<T> _here = new(images, plan, sampler);

    public IEnumerable<Batch> Epoch(int epoch, int firstBatch, Func<IEnumerable<BatchImages<T>>, IEnumerable<Batch>> fill)
    {
        var order = sampler.Order(epoch);
        var exchange = new ImageExchange<T>(images, ranks, room);
        using var brought = new BlockingCollection<Queue<StoredImage<T>>>();
        var round = plan.RoundOf(firstBatch);
        for (var ahead = 0; ahead < room; ahead++)
        {
            Bring();
        }

        var batches = fill(_here.Images(order, firstBatch, brought.Take)).GetEnumerator();
        try
        {
            while (batches.MoveNext())
            {
                yield return batches.Current;
                Bring();
            }

            while (round < plan.Rounds)
            {
                Bring(); // for others, which may have one batch more
            }
        }
        finally
        {
            brought.CompleteAdding(); // the thread that fills batches may wait for more
            batches.Dispose();
        }

        void Bring()
        {
            if (round < plan.Rounds)
            {
                brought.Add(exchange.Bring([.. Enumerable.Range(0, ranks.Size).Select(rank => NeededBy(rank, round, order))]));
                round++;
            }
        }
    }

    private int[] NeededBy(int rank, int round, int[] order) => [.. plan.NeededBy(rank, round).Select(place => order[place])];
}
