using System.Text;
using static Microsoft.ML.ResNet.Files.ErrorText;

namespace Microsoft.ML.ResNet.Weights;

/// <summary>How weights differ from what a network needs.</summary>
internal sealed class WeightsMatch
{
    private const int ListedPerKind = 10;

    private readonly ResNetWeights _weights;
    private readonly LayerPlan _plan;
    private readonly List<WeightSpec> _missing = [];
    private readonly List<WeightSpec> _misshapen = [];
    private readonly List<WeightTensor> _unexpected = [];

    private WeightsMatch(ResNetWeights weights, LayerPlan plan)
    {
        _weights = weights;
        _plan = plan;
    }

    public bool IsExact => _missing.Count + _misshapen.Count + _unexpected.Count == 0;

    /// <summary>Compares names and shapes.</summary>
    public static WeightsMatch Of(ResNetWeights weights, LayerPlan plan, bool ignoreHead)
    {
        var match = new WeightsMatch(weights, plan);
        var head = plan.Head.Weights;
        foreach (var spec in plan.Weights.Where(spec => !ignoreHead || !head.Contains(spec)))
        {
            if (!weights.TryGet(spec.Name, out var tensor))
            {
                match._missing.Add(spec);
            }
            else if (!tensor.Shape.SequenceEqual(spec.Shape))
            {
                match._misshapen.Add(spec);
            }
        }

        var expected = plan.Weights.Select(spec => spec.Name).ToHashSet();
        match._unexpected.AddRange(weights.Tensors.Where(tensor => !expected.Contains(tensor.Name)));
        return match;
    }

    /// <summary>Tells whether weights hold no head, or one that reads the network's features but gives another number of classes.</summary>
    public static bool HasNoHeadFor(ResNetWeights weights, LayerPlan plan) =>
        HeadClasses(weights, plan) is { } classes && classes != plan.ClassCount;

    // Folded, each convolution has a bias, and the normalization after it is gone.
    private bool IsFolded => _missing.Count > 0 && _unexpected.Count > 0
        && _plan.Layers.OfType<BatchNormLayer>().SelectMany(layer => layer.Weights).ToHashSet().IsSupersetOf(_missing)
        && _plan.Layers.OfType<ConvolutionLayer>().Select(layer => $"{layer.Name}.bias").ToHashSet()
            .IsSupersetOf(_unexpected.Select(tensor => tensor.Name));

    public string Describe()
    {
        var message = new StringBuilder(
            $"The weights are not those of {Name(_plan.Architecture, _plan.ClassCount, _plan.Input.Channels)}.");
        if (IsFolded)
        {
            return message.Append(
                " Their batch normalization is folded into the convolutions, as an ONNX export with FoldBatchNorm writes it, "
                + "and cannot be separated again. Load the model that was exported, or export it without FoldBatchNorm.").ToString();
        }

        List(message, "missing", _missing, spec => $"{Quote(spec.Name)} {Shape(spec.Shape)}");
        List(message, "unexpected", _unexpected, tensor => $"{Quote(tensor.Name)} {Shape(tensor.Shape)}");
        List(
            message,
            "of another shape",
            _misshapen,
            spec => $"{Quote(spec.Name)} is {Shape(_weights[spec.Name].Shape)}, must be {Shape(spec.Shape)}");
        var fitting = Fitting(_weights);
        if (fitting.Length > 0)
        {
            message.Append($" They fit {string.Join(", ", fitting)}.");
        }

        if (HasNoHeadFor(_weights, _plan) && Of(_weights, _plan, ignoreHead: true).IsExact)
        {
            message.Append(" Only the head differs: features can be had without it (strict: false).");
        }

        return message.ToString();
    }

    private static void List<T>(StringBuilder message, string kind, List<T> differences, Func<T, string> describe)
    {
        if (differences.Count > 0)
        {
            var (listed, rest) = (differences.Take(ListedPerKind).Select(describe), differences.Count > ListedPerKind ? "; …" : "");
            message.Append($" {differences.Count} {kind}: {string.Join("; ", listed)}{rest}.");
        }
    }

    // Several rows may have the same tensors: a plain network has those of a residual one with option A.
    private static string[] Fitting(ResNetWeights weights)
    {
        var fitting = new List<string>();
        foreach (var row in ResNetArchitecture.All)
        {
            var plan = Plan(row, channels: 3);
            var stem = plan.Layers.OfType<ConvolutionLayer>().First().Weights[0];
            if (!weights.TryGet(stem.Name, out var filters) || filters.Shape is not [_, var channels and > 0, _, _])
            {
                continue;
            }

            plan = Plan(row, channels);
            if (HeadClasses(weights, plan) is { } classes && Of(weights, plan, ignoreHead: true).IsExact)
            {
                fitting.Add(Name(row, classes, channels));
            }
        }

        return [.. fitting];

        static LayerPlan Plan(ResNetArchitecture row, int channels) =>
            LayerPlan.Create(row, new ImageShape(channels, row.MinimumImageSize, row.MinimumImageSize), classCount: 1);
    }

    // 0 without a head; null where it is no head of this network.
    private static int? HeadClasses(ResNetWeights weights, LayerPlan plan)
    {
        var hasMatrix = weights.TryGet(plan.Head.Weights[0].Name, out var matrix);
        var hasBias = weights.TryGet(plan.Head.Weights[1].Name, out var bias);
        if (!hasMatrix && !hasBias)
        {
            return 0;
        }

        return matrix?.Shape is [> 0 and var classes, var features] && features == plan.FeatureCount
            && bias?.Shape is [var biases] && biases == classes
            ? classes
            : null;
    }

    private static string Name(ResNetArchitecture architecture, int classes, int channels) =>
        $"{architecture} ({(classes > 0 ? $"{classes} classes" : "no head")}, {channels} channels)";
}
