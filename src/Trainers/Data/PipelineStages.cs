using Microsoft.ML.ResNet.Interop;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>Does to other data what the stages of a pipeline did to the data that its trainer was given.</summary>
internal static class PipelineStages
{
    /// <summary>
    /// Looks down the stages that made a view for the first one beneath which the data has the same columns as the other data, and applies
    /// those above it.
    /// </summary>
    /// <remarks>
    /// A trainer is not told of the stages before it, but the view that it is given consists of them. What was done to the data before the
    /// pipeline, such as a filter, lies beneath that place, and is not done to the other data.
    /// </remarks>
    /// <param name="environment">The environment to register components with.</param>
    /// <param name="view">The data that the trainer was given.</param>
    /// <param name="other">The other data.</param>
    /// <returns>The other data with the columns of the view; as it is, where no stage has its columns beneath it.</returns>
    public static IDataView ApplyTo(IHostEnvironment environment, IDataView view, IDataView other)
    {
        var stages = new Stack<IDataView>();
        for (IDataView? beneath = view; beneath is not null; beneath = MLNetInternals.SourceOf(beneath))
        {
            if (HasSameColumns(beneath.Schema, other.Schema))
            {
                return stages.Aggregate(other, (data, stage) => MLNetInternals.ApplyToData(environment, stage, data));
            }

            stages.Push(beneath);
        }

        return other;
    }

    // Hidden ones too: a stage that replaces a column, such as one that resizes images, leaves the old one hidden.
    private static bool HasSameColumns(DataViewSchema one, DataViewSchema other) =>
        one.Count == other.Count && one.All(column => other.Any(each => each.Name == column.Name
            && each.IsHidden == column.IsHidden
            && each.Type.Equals(column.Type)));
}
