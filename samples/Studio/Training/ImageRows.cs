using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet;

namespace Studio.Training;

/// <summary>Gives ML.NET the images of a run.</summary>
internal static class ImageRows
{
    /// <summary>Makes the stages before the network: labels become keys, files become images.</summary>
    public static TransformerChain<ImageLoadingTransformer> Stages(MLContext ml, IDataView files) =>
        ml.Transforms.Conversion.MapValueToKey("Label").Append(ml.Transforms.LoadImages("Image", null, "ImagePath")).Fit(files);

    /// <summary>Gets the names of the classes, in the order of a network's scores.</summary>
    public static string[] ClassNames(IDataView keyed)
    {
        var names = default(VBuffer<ReadOnlyMemory<char>>);
        keyed.Schema["Label"].GetKeyValues(ref names);
        return [.. names.DenseValues().Select(name => name.ToString())];
    }

    /// <summary>Makes a view of decoded images.</summary>
    public static IDataView Images(MLContext ml, IEnumerable<string> paths)
    {
        var files = ml.Data.LoadFromEnumerable(paths.Select(path => new ImageFolderRow { ImagePath = path }));
        return ml.Transforms.LoadImages("Image", null, "ImagePath").Fit(files).Transform(files);
    }

    /// <summary>Makes the whole chain that a saved model is: files in, names of classes out.</summary>
    public static ITransformer Chain(MLContext ml, ITransformer images, ITransformer network, IDataView files) =>
        new TransformerChain<ITransformer>(
            images, network,
            ml.Transforms.Conversion.MapKeyToValue("PredictedLabelText", "PredictedLabel").Fit(network.Transform(images.Transform(files))));
}
