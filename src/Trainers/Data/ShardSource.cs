using Microsoft.ML.ResNet.Interop;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>The shards that a view comes from, and the stages between the two, each of which makes one row of one row.</summary>
internal sealed class ShardSource
{
    private readonly IHostEnvironment _environment;
    private readonly Stack<IDataView> _stages; // the one next to the shards on top

    private ShardSource(IHostEnvironment environment, ImageShards shards, Stack<IDataView> stages) =>
        (_environment, Shards, _stages) = (environment, shards, stages);

    /// <summary>Gets the shards.</summary>
    public ImageShards Shards { get; }

    /// <summary>Looks down the stages that made a view.</summary>
    /// <param name="environment">The environment to register components with.</param>
    /// <param name="view">The view.</param>
    /// <exception cref="InvalidOperationException">It does not come from shards row by row, or of some of their samples only.</exception>
    public static ShardSource Of(IHostEnvironment environment, IDataView view)
    {
        var stages = new Stack<IDataView>();
        var beneath = view;
        while (beneath is not ImageShards)
        {
            if (!MLNetInternals.MapsRows(beneath) || MLNetInternals.SourceOf(beneath) is not { } source)
            {
                throw new InvalidOperationException(
                    "StreamShards is set, but the training data do not come from LoadImageShards row by row: "
                    + $"a {beneath.GetType().Name} is among what they are made of. "
                    + "Between LoadImageShards and the trainer may be stages that change columns, such as MapValueToKey, but no filter, "
                    + "no TakeRows, ShuffleRows or Cache, and no view of your own. Leave that out; or leave StreamShards out, and images "
                    + "are kept.");
            }

            stages.Push(beneath);
            beneath = source;
        }

        var shards = (ImageShards)beneath;
        return shards.Options is { Share.Count: 1, StartAt: null }
            ? new ShardSource(environment, shards, stages)
            : throw new InvalidOperationException(
                "StreamShards is set, but the image shards have the option Share or StartAt: a share is of other samples in each epoch, "
                + "and training would go on from a place only once. Leave both out: processes that train together share batches out by "
                + "themselves, and training goes on from its checkpoints.");
    }

    /// <summary>Does to other rows of the shards what the stages do.</summary>
    public IDataView ApplyTo(IDataView rows) =>
        _stages.Aggregate(rows, (data, stage) => MLNetInternals.ApplyToData(_environment, stage, data));
}
