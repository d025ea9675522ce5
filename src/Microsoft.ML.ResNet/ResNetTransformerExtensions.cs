using Microsoft.ML.ResNet;
using Microsoft.ML.Transforms.Onnx;

namespace Microsoft.ML;

/// <summary>Finds the network in a fitted pipeline.</summary>
public static class ResNetTransformerExtensions
{
    /// <summary>Gets the network of a fitted pipeline, whatever stages are before it and after it.</summary>
    /// <remarks>
    /// <c>pipeline.Fit(train).GetResNet()</c> is what tells how the training went, what the weights are, and what exports, quantizes and
    /// reports. It is the pipeline's own network, not a copy: the two are disposed of together, and what it reads are the columns that the
    /// stages before it make.
    /// </remarks>
    /// <param name="model">A fitted pipeline, at any depth of chains within chains, or the network itself.</param>
    /// <returns>The network.</returns>
    /// <exception cref="InvalidOperationException">
    /// The pipeline holds no such network, or several. A model that
    /// <see cref="ModelOperationsCatalog.Load(string, out DataViewSchema)"/> returned holds none: it consists of ML.NET's own stages.
    /// The message says how to read the network from the file.
    /// </exception>
    public static ResNetClassificationTransformer GetResNet(this ITransformer model)
    {
        ArgumentNullException.ThrowIfNull(model);
        var stages = Stages(model).ToArray();
        return stages.OfType<ResNetClassificationTransformer>().ToArray() switch
        {
            [var network] => network,
            [] => throw new InvalidOperationException(None(stages)),
            var several => throw new InvalidOperationException(Several(several)),
        };
    }

    /// <summary>Gets the stages of a pipeline in their order; a chain may hold chains.</summary>
    internal static IEnumerable<ITransformer> Stages(ITransformer transformer) =>
        transformer is IEnumerable<ITransformer> chain ? chain.SelectMany(Stages) : [transformer];

    private static string None(ITransformer[] stages)
    {
        var names = string.Join(", ", stages.Select(stage => stage.GetType().Name));
        var advice = stages.Any(stage => stage is OnnxTransformer)
            ? "A model that was loaded from a file holds ML.NET's own stages and no training history. ResNetWeights.Load reads weights, "
                + "preprocessing and class names from that file, and Transforms.ApplyResNet makes a network of them again, to export or to "
                + "report on. To keep the history, save it after training: History.SaveJson."
            : "The trainer ResNet, or Transforms.ApplyResNet, adds one when the pipeline is fitted.";
        return $"The model holds no ResNetClassificationTransformer. Its stages are: {names}. {advice}";
    }

    private static string Several(ResNetClassificationTransformer[] networks)
    {
        var names = string.Join(", ", networks.Select(network => network.Architecture.Name));
        return $"The model holds {networks.Length} residual networks ({names}), and nothing says which one is meant. "
            + "Fit each in a pipeline of its own, or pick one from its chain: "
            + "((IEnumerable<ITransformer>)model).OfType<ResNetClassificationTransformer>().ElementAt(0).";
    }
}
