using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace WebApp.Models;

/// <summary>The stages of a saved model that lead from an image in memory to its scores.</summary>
internal sealed record ImageChain(ITransformer Transformer, SchemaDefinition Input)
{
    private const string DefaultImageColumn = "Image";

    /// <summary>
    /// Leaves out what a request has nothing for: the stage that loads image files, in whose place the image is given, and those of the training
    /// data, such as the one that maps labels to keys.
    /// </summary>
    /// <param name="ml">The context.</param>
    /// <param name="model">A loaded model. The chain is made of its stages, so it must be kept as long.</param>
    /// <param name="saved">The schema that was saved with it; null if none was.</param>
    /// <exception cref="FormatException">The model is not a classifier of images.</exception>
    public static ImageChain Of(MLContext ml, ITransformer model, DataViewSchema? saved)
    {
        var stages = Flatten(model).ToArray();
        var input = InputNamed(LoadedColumn(stages, saved) ?? DefaultImageColumn);
        var schema = ml.Data.LoadFromEnumerable<ImageRow>([], input).Schema;
        var kept = new List<ITransformer>();
        Exception? refusal = null;
        foreach (var stage in stages.Where(stage => stage is not ImageLoadingTransformer))
        {
            try
            {
                schema = stage.GetOutputSchema(schema);
                kept.Add(stage);
            }
            catch (Exception exception) when (exception is ArgumentOutOfRangeException or InvalidOperationException) // how ML.NET says that a column is missing
            {
                refusal = exception;
            }
        }

        if (schema.GetColumnOrNull(nameof(ScoreRow.Score))?.Type is not VectorDataViewType { IsKnownSize: true } type || type.ItemType != NumberDataViewType.Single)
        {
            throw new FormatException(
                $"The model does not classify images: given an image column '{input[nameof(ImageRow.Image)].ColumnName}', it gives no vector '{nameof(ScoreRow.Score)}'. {refusal?.Message}", refusal);
        }

        return new ImageChain(new TransformerChain<ITransformer>([.. kept]), input);
    }

    private static IEnumerable<ITransformer> Flatten(ITransformer model) => model is IEnumerable<ITransformer> chain ? chain.SelectMany(Flatten) : [model];

    // The stage that loads files does not say what it calls the images, but its output has them.
    private static string? LoadedColumn(ITransformer[] stages, DataViewSchema? saved)
    {
        var loader = Array.FindIndex(stages, stage => stage is ImageLoadingTransformer);
        return loader < 0 || saved is null
            ? null
            : stages.Take(loader + 1).Aggregate(saved, (schema, stage) => stage.GetOutputSchema(schema)).Last(column => column.Type is ImageDataViewType).Name;
    }

    private static SchemaDefinition InputNamed(string imageColumn)
    {
        var definition = SchemaDefinition.Create(typeof(ImageRow));
        definition[nameof(ImageRow.Image)].ColumnName = imageColumn;
        return definition;
    }
}
