using System.Collections.Immutable;
using System.Globalization;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Interop;
using Microsoft.ML.ResNet.Onnx;
using Microsoft.ML.Runtime;
using Microsoft.ML.Trainers;

namespace Microsoft.ML.ResNet.Scoring;

/// <summary>
/// Builds what a classifier or featurizer is when it scores and when it is saved: ML.NET's own transformers and nothing of ours.
/// <list type="number">
/// <item>ResizeImages, and ConvertToGrayscale for one channel: <see cref="PixelChain"/>.</item>
/// <item>ExtractPixels, planar, as bytes: <see cref="PixelChain"/> too.</item>
/// <item>ApplyOnnxModel: preprocessing and the network up to its pooled features.</item>
/// <item>ML.NET's multinomial logistic model, which holds the network's own last layer. Where an image has any number of labels, another
/// ApplyOnnxModel, whose graph ends in a sigmoid, and an Expression that asks which probabilities are above one half.</item>
/// <item>Where images may be of no class, Expression and a linear model that count the probabilities above the threshold.</item>
/// <item>DropColumns of the temporary columns.</item>
/// </list>
/// </summary>
internal static class ScoringChain
{
    // Unlikely to be a user's; shown in no schema, since it is dropped.
    private const string FeaturesColumn = "ResNet.Features";
    private const int MantissaBits = 23; // of a float
    private const int LargestScale = 60; // as an exponent of two: a long holds it
    private const string KeptScoreColumn = "ResNet.KnownScore";
    private const string IsAboveColumn = "ResNet.IsAbove";

    /// <summary>All stages: a classifier.</summary>
    /// <param name="environment">The environment to register components with.</param>
    /// <param name="input">Data of the schema that will be scored; no row of it is read.</param>
    /// <param name="image">The image column.</param>
    /// <param name="label">The label, whose values PredictedLabel takes over.</param>
    /// <param name="network">The network, its weights and its preprocessing.</param>
    /// <param name="names">The names of the columns to add.</param>
    /// <param name="onnxFile">Where the graph is written; it must outlive the chain.</param>
    /// <param name="headFile">Where the graph of the head is written, which must outlive the chain too; null where an image has one
    /// label.</param>
    public static TransformerChain<ITransformer> Classifier(
        IHostEnvironment environment,
        IDataView input,
        ImageColumn image,
        LabelColumn label,
        ResNetModel network,
        ScoreColumns names,
        string onnxFile,
        string? headFile)
    {
        var chain = Features(environment, input, image, network, NetworkMetadata.Of(network, label.ClassNames()), FeaturesColumn, onnxFile);
        if (headFile is not null)
        {
            return DropTemporary(environment, input, AddLabels(environment, input, chain, label, network, names, headFile));
        }

        var head = Head(environment, label, network);
        return names == ScoreColumns.Default
            ? DropTemporary(environment, input, AddUnknown(environment, input, chain.Append<ITransformer>(head), network))
            : Rename(environment, input, chain, head, network, names);
    }

    /// <summary>All stages but the head: a featurizer, which leaves the features under the name asked for.</summary>
    public static TransformerChain<ITransformer> Featurizer(
        IHostEnvironment environment, IDataView input, ImageColumn image, ResNetModel network, string outputColumn, string onnxFile)
    {
        var features = Features(environment, input, image, network, NetworkMetadata.Of(network, []), outputColumn, onnxFile);
        return DropTemporary(environment, input, features);
    }

    /// <summary>Tells whether a view has the features already, so that what comes next is the head.</summary>
    public static bool HasFeatures(DataViewSchema schema) => schema.GetColumnOrNull(FeaturesColumn) is not null;

    // An expression has integers only: see IsAbove.
    private static TransformerChain<ITransformer> AddLabels(
        IHostEnvironment environment,
        IDataView input,
        TransformerChain<ITransformer> chain,
        LabelColumn label,
        ResNetModel network,
        ScoreColumns names,
        string headFile)
    {
        using (var stream = File.Create(headFile))
        {
            OnnxGraphWriter.LabelHead(network, FeaturesColumn, names.Score, label.ClassNames()).WriteTo(stream);
        }

        var transforms = MLNetInternals.NewTransformsCatalog(environment);
        chain = Append(chain, transforms.ApplyOnnxModel(names.Score, FeaturesColumn, headFile), chain.Transform(input));
        var isAboveHalf = transforms.Expression(names.PredictedLabel, "(p) => p + p > 1f", names.Score);
        return Append(chain, isAboveHalf, chain.Transform(input));
    }

    private static TransformerChain<ITransformer> Features(
        IHostEnvironment environment,
        IDataView input,
        ImageColumn image,
        ResNetModel network,
        ImmutableArray<KeyValuePair<string, string>> metadata,
        string outputColumn,
        string onnxFile)
    {
        using (var stream = File.Create(onnxFile))
        {
            OnnxGraphWriter.Featurizer(network, OnnxGraphWriter.PixelTypeOf(image), PixelChain.PixelsColumn, outputColumn, metadata)
                .WriteTo(stream);
        }

        var chain = PixelChain.Fit(environment, input, image, network.Preprocessing.ResizeTo);
        var onnx = MLNetInternals.NewTransformsCatalog(environment).ApplyOnnxModel(outputColumn, PixelChain.PixelsColumn, onnxFile);
        return Append(chain, onnx, chain.Transform(input));
    }

    // ML.NET's model always adds "Score" and "PredictedLabel": they are copied, and columns of the user's that had those names are put
    // back.
    private static TransformerChain<ITransformer> Rename(
        IHostEnvironment environment,
        IDataView input,
        TransformerChain<ITransformer> chain,
        ITransformer head,
        ResNetModel network,
        ScoreColumns names)
    {
        var (score, label) = ScoreColumns.Default;
        string[] made = [.. ((string[])[score, label]).Where(name => name != names.Score && name != names.PredictedLabel)];
        string[] users = [.. made.Where(name => input.Schema.GetColumnOrNull(name) is not null)];

        Copy(users.Select(name => (KeptFor(name), name)));
        chain = AddUnknown(environment, input, chain.Append(head), network);
        Copy(made.Select(name => (name == score ? names.Score : names.PredictedLabel, name)));
        Copy(users.Select(name => (name, KeptFor(name))));
        return DropTemporary(environment, input, chain, [.. users.Select(KeptFor), .. made.Except(users)]);

        static string KeptFor(string name) => $"ResNet.{name}";

        void Copy(IEnumerable<(string To, string From)> columns)
        {
            foreach (var (to, from) in columns)
            {
                var copy = MLNetInternals.NewTransformsCatalog(environment).CopyColumns(to, from);
                chain = Append(chain, copy, chain.Transform(input));
            }
        }
    }

    // ML.NET has no stage for the largest value of a vector. So each probability becomes 1 above the threshold and 0 elsewhere, and a
    // linear model adds these up. It names its result "Score", so the probabilities are put aside and back.
    private static TransformerChain<ITransformer> AddUnknown(
        IHostEnvironment environment, IDataView input, TransformerChain<ITransformer> chain, ResNetModel network)
    {
        if (network.UnknownThreshold is not { } threshold)
        {
            return chain;
        }

        var transforms = MLNetInternals.NewTransformsCatalog(environment);
        var score = ScoreColumns.Default.Score;
        Add(transforms.CopyColumns(KeptScoreColumn, score));
        Add(transforms.Expression(IsAboveColumn, IsAbove(threshold), score));
        var ones = new float[network.Plan.ClassCount];
        Array.Fill(ones, 1);
        var builder = new DataViewSchema.Builder();
        builder.AddColumn(IsAboveColumn, new VectorDataViewType(NumberDataViewType.Single, ones.Length));
        chain = chain.Append<ITransformer>(MLNetInternals.NewRegressionTransformer(
            environment,
            MLNetInternals.NewLinearRegressionModel(environment, new VBuffer<float>(ones.Length, ones), bias: 0),
            builder.ToSchema(),
            IsAboveColumn));
        Add(transforms.Expression(OutputColumns.IsUnknown, "(count) => count < 1f", score));
        Add(transforms.CopyColumns(score, KeptScoreColumn));
        return chain;

        void Add(IEstimator<ITransformer> stage) => chain = Append(chain, stage, chain.Transform(input));
    }

    // ML.NET reads numbers in an expression, also in a saved one, in the culture of the process: a point would be an error where that is
    // a comma. So both sides are multiplied by a power of two, exactly, that makes the threshold an integer.
    private static string IsAbove(float threshold)
    {
        var scale = threshold > 0 ? MathF.ScaleB(1, Math.Min(MantissaBits - MathF.ILogB(threshold), LargestScale)) : 1;
        return string.Create(
            CultureInfo.InvariantCulture, $"(p) => p * {(long)scale}f > {(long)(threshold * scale)}f ? 1f : 0f");
    }

    private static TransformerChain<ITransformer> DropTemporary(
        IHostEnvironment environment, IDataView input, TransformerChain<ITransformer> chain, params ReadOnlySpan<string> others)
    {
        var output = chain.Transform(input);
        string[] temporary = [.. PixelChain.TemporaryColumns, FeaturesColumn, KeptScoreColumn, IsAboveColumn, .. others];
        var drop = MLNetInternals.NewTransformsCatalog(environment)
            .DropColumns([.. temporary.Where(name => output.Schema.GetColumnOrNull(name) is not null)]);
        return Append(chain, drop, output);
    }

    // A stage lies in a chain of its own: so the files of models have them.
    private static TransformerChain<ITransformer> Append(
        TransformerChain<ITransformer> chain, IEstimator<ITransformer> stage, IDataView input) =>
        chain.Append<ITransformer>(new TransformerChain<ITransformer>().Append(stage.Fit(input)));

    private static MulticlassPredictionTransformer<MaximumEntropyModelParameters> Head(
        IHostEnvironment environment, LabelColumn label, ResNetModel network)
    {
        var (classCount, featureCount) = (network.Plan.ClassCount, network.Plan.FeatureCount);
        var matrix = network.Weights[network.Plan.Head.Weights[0].Name].Values;
        var bias = network.Weights[network.Plan.Head.Weights[1].Name].Values;
        var rows = new VBuffer<float>[classCount];
        for (var i = 0; i < classCount; i++)
        {
            rows[i] = new VBuffer<float>(featureCount, matrix.Slice(i * featureCount, featureCount).ToArray());
        }

        var model = MLNetInternals.NewMaximumEntropyModel(
            environment, rows, bias.ToArray(), classCount, featureCount, labelNames: null, statistics: null);
        return MLNetInternals.NewMulticlassTransformer(
            environment,
            model,
            HeadSchema(label, featureCount),
            FeaturesColumn,
            label.Name,
            ScoreColumns.Default.Score,
            ScoreColumns.Default.PredictedLabel);
    }

    // The model saves the schema it was trained on: the label with its values, and the features; nothing else of the user's data.
    private static DataViewSchema HeadSchema(LabelColumn label, int featureCount)
    {
        var builder = new DataViewSchema.Builder();
        builder.AddColumn(label.Name, label.Type, label.Annotations);
        builder.AddColumn(FeaturesColumn, new VectorDataViewType(NumberDataViewType.Single, featureCount));
        return builder.ToSchema();
    }
}
