using System.Collections.Immutable;
using Microsoft.ML.ResNet.Files;

namespace Microsoft.ML.ResNet.Graphs;

// The architecture that the parts come to, and its plan, which each of them is held against.
internal sealed partial class NetworkParts
{
    /// <summary>Makes the architecture, and holds every part against its plan.</summary>
    public RecognizedNetwork ToNetwork(ImageShape input, string? name, ImagePreprocessing? preprocessing, bool isPreActivation)
    {
        AddProjections(isPreActivation);
        var architecture = Named(ToArchitecture(isPreActivation), name);
        LayerPlan plan;
        try
        {
            plan = LayerPlan.Create(architecture, input, Math.Max(1, _classes));
        }
        catch (Exception exception) when (exception is ArgumentException or OverflowException)
        {
            throw new InvalidDataException($"its graph is no residual network that can be built: {exception.Message}", exception);
        }

        var wanted = _classes == 0 ? plan.Weights[..^plan.Head.Weights.Length] : plan.Weights;
        var tensors = wanted.Select(spec => Checked(spec, architecture)).ToImmutableArray();
        var names = wanted.Select(spec => spec.Name).ToHashSet();
        if (_tensors.FirstOrDefault(each => !names.Contains(each.Key)) is { Key: { } unexpected, Value: var extra })
        {
            throw extra.Node.Refuse($"would be {ErrorText.Quote(unexpected)}", $"what {Describe(architecture)} has");
        }

        foreach (var layer in plan.Layers.OfType<ConvolutionLayer>())
        {
            Check(layer, architecture);
        }

        return new RecognizedNetwork(architecture, tensors, preprocessing);
    }

    private static string Describe(ResNetArchitecture architecture) =>
        $"{architecture.Name} (blocks of kind {architecture.Block}, depths {string.Join(", ", architecture.Depths)}, "
        + $"width {architecture.BaseWidth}, shortcut {architecture.Shortcut})";

    // timm names the parts of a pooled projection one higher, also where a stage does not pool.
    private void AddProjections(bool isPreActivation)
    {
        foreach (var (name, convolution, isNormalized, normalization) in _projections)
        {
            var first = _hasPooledShortcut ? 1 : 0;
            AddConvolution($"{name}.{first}", convolution);
            if (!isPreActivation || _hasPooledShortcut)
            {
                AddNormalization($"{name}.{first + 1}", convolution.Node, convolution.Outputs, convolution, normalization);
            }
            else if (isNormalized)
            {
                throw convolution.Node.Refuse(
                    "is a normalized projection", "one without normalization and bias, as blocks with pre-activation have it");
            }
        }
    }

    private ResNetArchitecture ToArchitecture(bool isPreActivation)
    {
        var isBottleneck = _kernels == 3;
        var block = (isPreActivation, isBottleneck) switch
        {
            (true, true) => BlockKind.PreActivationBottleneck,
            (true, false) => BlockKind.PreActivationBasic,
            (false, true) => BlockKind.Bottleneck,
            _ => BlockKind.Basic,
        };
        var shortcut = _hasPooledShortcut ? ShortcutKind.D
            : _projectsAlways ? ShortcutKind.C
            : _hasPaddedIdentity && !_hasProjection ? ShortcutKind.A
            : _hasProjection || HasIdentity ? ShortcutKind.B
            : ShortcutKind.None;
        var architecture = new ResNetArchitecture("", block, [.. _depths])
        {
            Stem = Stem,
            Shortcut = shortcut,
            Transition = _isPooled ? TransitionKind.Pooled : TransitionKind.Strided,
            BaseWidth = BaseWidth,
            SqueezeReduction = _squeezeReduction,
        };
        if (!isBottleneck)
        {
            return architecture;
        }

        var middle = _convolutions.First(each => each.Key.EndsWith(".conv2", StringComparison.Ordinal)).Value;
        var strides = _convolutions.Any(each => each.Key.EndsWith(".0.conv1", StringComparison.Ordinal) && each.Value.Stride != 1);
        return architecture with
        {
            Groups = middle.Groups,
            WidthPerGroup = Math.Max(1, (int)Math.Min(int.MaxValue, 64L * middle.Outputs / ((long)middle.Groups * BaseWidth))),
            BottleneckStride = strides ? BottleneckStride.First : BottleneckStride.Middle,
        };
    }

    private ResNetArchitecture Named(ResNetArchitecture found, string? name)
    {
        // Without strides, nothing tells which convolution would have them.
        var row = ResNetArchitecture.All.FirstOrDefault(row => row.Name == name && row.IsSameButForName(found))
            ?? (name is null ? ResNetArchitecture.All.FirstOrDefault(row => row.IsSameButForName(found)) : null);
        return row ?? found with { Name = name ?? Composed(found) };
    }

    // Such as "resnet18 with 2, 2, 2, 3 blocks": the row that has nearly as many blocks in its stages, and what differs from it.
    private static string Composed(ResNetArchitecture found)
    {
        var near = ResNetArchitecture.All.Where(row => row.IsSameButForDepths(found) && row.Depths.Length == found.Depths.Length)
            .MinBy(row => row.Depths.Zip(found.Depths, (depth, other) => Math.Abs(depth - other)).Sum());
        return $"{near?.Name ?? (found.IsPreActivation ? "resnet_v2" : "resnet")} with {string.Join(", ", found.Depths)} blocks";
    }

    private RecognizedTensor Checked(WeightSpec spec, ResNetArchitecture architecture)
    {
        if (!_tensors.TryGetValue(spec.Name, out var found))
        {
            throw new InvalidDataException(
                $"its graph looks like {Describe(architecture)}, but has nothing that would be {ErrorText.Quote(spec.Name)}");
        }

        return found.Tensor.Shape.AsSpan().SequenceEqual(spec.Shape.AsSpan())
            ? found.Tensor
            : throw found.Node.Refuse(
                $"has {ErrorText.Quote(spec.Name)} shaped {ErrorText.Shape(found.Tensor.Shape)}",
                $"{ErrorText.Shape(spec.Shape)} in {Describe(architecture)}");
    }

    private void Check(ConvolutionLayer layer, ResNetArchitecture architecture)
    {
        var found = _convolutions[layer.Name];
        if ((found.Stride, found.Groups) != (layer.Stride, layer.Groups))
        {
            throw found.Node.Refuse(
                $"has a stride of {found.Stride} and {found.Groups} groups as {ErrorText.Quote(layer.Name)}",
                $"a stride of {layer.Stride} and {layer.Groups} groups in {Describe(architecture)}");
        }
    }
}
