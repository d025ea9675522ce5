using System.Collections.Immutable;

namespace Microsoft.ML.ResNet.Graphs;

/// <summary>
/// Walks a graph from its images to its end and finds a residual network in it: stem, stages, blocks with their shortcuts, pooling and
/// head, whatever their tensors are called.
/// </summary>
/// <remarks>
/// What it finds it names as PyTorch does, and hands to <see cref="NetworkParts"/>, which holds it against the plan of the network: every
/// tensor, kernel, stride and group must be what the plan says.
/// </remarks>
internal sealed class NetworkRecognizer
{
    private readonly NetworkParts _parts;
    private readonly bool _isPreActivation;
    private Signal _x; // where the walk is
    private Operation.Convolution? _source; // the convolution whose result that is, not normalized yet

    private NetworkRecognizer(Signal images, NetworkParts parts, bool isPreActivation)
    {
        _x = images;
        _parts = parts;
        _isPreActivation = isPreActivation;
    }

    /// <summary>Recognizes a network.</summary>
    /// <param name="graph">The graph, with a convolution in it.</param>
    /// <param name="budget">Room for what is computed from its constants.</param>
    /// <param name="name">The name of the network, if its file says one.</param>
    /// <exception cref="InvalidDataException">It is none: the message names the node, and what was expected there.</exception>
    public static RecognizedNetwork Recognize(ComputationGraph graph, ValueBudget budget, string? name)
    {
        var input = OperationReader.Read(graph, budget);
        var steps = PixelSteps.Walk(input, budget, out var images);
        var parts = new NetworkParts(steps.Sources, budget);
        var recognizer = new NetworkRecognizer(images, parts, IsPreActivation(images));
        recognizer.Walk();
        return parts.ToNetwork(images.Shape, name, steps.ToPreprocessing(images.Shape), recognizer._isPreActivation);
    }

    /// <summary>Reads a graph of preprocessing alone.</summary>
    /// <returns>The preprocessing, and the order in which the network gets the channels.</returns>
    public static (ImagePreprocessing Preprocessing, ImmutableArray<int> Sources) RecognizePreprocessing(
        ComputationGraph graph, ValueBudget budget)
    {
        var steps = PixelSteps.Walk(OperationReader.Read(graph, budget), budget, out var images);
        if (images.Readers is [var next, ..])
        {
            throw next.Node.Refuse("follows the preprocessing", "its end");
        }

        var preprocessing = steps.ToPreprocessing(images.Shape)
            ?? throw new InvalidDataException("its graph leaves pixels as they are, so it is no preprocessing");
        return (preprocessing, steps.Sources);
    }

    // With pre-activation nothing follows a block's addition; else a ReLU does.
    private static bool IsPreActivation(Signal images)
    {
        var seen = new HashSet<Signal>(ReferenceEqualityComparer.Instance) { images };
        var waiting = new Queue<Signal>(seen);
        while (waiting.TryDequeue(out var signal))
        {
            foreach (var reader in signal.Readers)
            {
                if (reader is Operation.Sum)
                {
                    return reader.Output.Reader is not Operation.Relu;
                }

                if (seen.Add(reader.Output))
                {
                    waiting.Enqueue(reader.Output);
                }
            }
        }

        return false;
    }

    private void Walk()
    {
        WalkStem();
        while (!TryWalkPool())
        {
            if (_isPreActivation)
            {
                WalkPreActivationBlock();
            }
            else if (_x.Readers.Count > 1)
            {
                WalkBlock();
            }
            else
            {
                WalkPlainBlockOrTransition();
            }
        }

        WalkHead();
    }

    private void WalkStem()
    {
        var first = Next<Operation.Convolution>("the first convolution");
        if (first is { Kernel: 3, Stride: 2 })
        {
            _parts.Stem = StemKind.Deep;
            TakeConvolution("conv1.0");
            TakeNormalizedRelu("conv1.1");
            TakeConvolution("conv1.3");
            TakeNormalizedRelu("conv1.4");
            first = TakeConvolution("conv1.6");
        }
        else
        {
            _parts.Stem = first is { Kernel: 3, Stride: 1 } ? StemKind.SmallImage : StemKind.ImageNet;
            TakeConvolution("conv1");
        }

        _parts.BaseWidth = first.Outputs;
        if (!_isPreActivation)
        {
            TakeNormalizedRelu("bn1");
        }

        if (_parts.Stem != StemKind.SmallImage)
        {
            var pool = Next<Operation.MaxPool>("the stem's max pooling");
            _parts.CheckKernel(pool, expected: 3);
            Advance(pool);
        }
    }

    // At the end of a network with pre-activation stands a normalization of its own.
    private bool TryWalkPool()
    {
        if (_isPreActivation && _x.Reader is { } first
            && (first as Operation.Relu ?? NormalizationEnd(first).Reader as Operation.Relu) is { Output.Reader: { } next }
            && next is Operation.AveragePool { IsGlobal: true })
        {
            TakeNormalizedRelu("norm");
        }

        if (_x.Reader is not Operation.AveragePool { IsGlobal: true } pool)
        {
            return false;
        }

        Advance(pool);
        return true;
    }

    private void WalkHead()
    {
        if (_x.Readers.Count == 0)
        {
            return;
        }

        var head = _x.Reader;
        switch (head)
        {
            case Operation.Linear linear:
                Advance(linear);
                var bias = linear.Bias;
                if (bias is null && _x.Reader is Operation.Affine { IsPerPixel: false } sum && sum.Scale.All(factor => factor == 1))
                {
                    bias = sum.Shift;
                    Advance(sum);
                }

                _parts.AddHead(linear.Node, linear.Output.Shape.Channels, linear.Matrix, bias);
                break;
            case Operation.Convolution { Kernel: 1, Groups: 1 } convolution:
                Advance(convolution);
                _parts.AddHead(convolution.Node, convolution.Outputs, convolution.Filters.Floats, convolution.Bias);
                break;
            default:
                throw _x.Readers[0].Node.Refuse("follows the global pooling", "the end of the network, or its head");
        }

        if (_x.Reader is Operation.Softmax or Operation.Sigmoid) // a sigmoid where an image has any number of labels
        {
            Advance(_x.Reader);
        }

        if (_x.Readers is [var next, ..])
        {
            throw next.Node.Refuse("follows the head", "the end of the network");
        }
    }

    private void WalkBlock()
    {
        var branches = Branches(_x.Readers);
        var (residual, shortcut) = (branches.Find(branch => branch.IsResidual)!, branches.Find(branch => !branch.IsResidual)!);
        _parts.BeginBlock(StrideOf(residual));
        TakeResidual(residual, isPreActivation: false);
        TakeShortcut(shortcut, isNormalized: true);
        _x = residual.End.Output;
        Advance(Next<Operation.Relu>("the ReLU after a block's addition"));
    }

    private void WalkPreActivationBlock()
    {
        // The first normalization reads x; so does the shortcut, unless it projects what that normalization and ReLU give.
        var x = _x;
        var beside = x.Readers.FindAll(reader => reader is Operation.Sum or Operation.Subsample or Operation.PadChannels);
        var first = x.Readers.Find(reader => !beside.Contains(reader, ReferenceEqualityComparer.Instance));
        if (first is null || beside.Count > 1 || x.Readers.Count != beside.Count + 1)
        {
            throw Refuse("a normalization, and a shortcut at most");
        }

        var (relu, normalization) = NormalizedRelu(first);
        var branches = Branches([.. relu.Output.Readers, .. beside]);
        var (residual, shortcut) = (branches.Find(branch => branch.IsResidual)!, branches.Find(branch => !branch.IsResidual)!);
        _parts.BeginBlock(StrideOf(residual));
        _parts.AddNormalization(_parts.InBlock("bn1"), relu.Node, x.Shape.Channels, _source, normalization);
        TakeResidual(residual, isPreActivation: true);
        TakeShortcut(shortcut, isNormalized: false);
        (_x, _source) = (residual.End.Output, null);
    }

    // Without an addition: a plain network's block, or a transition that pools.
    private void WalkPlainBlockOrTransition()
    {
        if (_x.Reader is not Operation.Convolution first)
        {
            throw Refuse("a convolution, two branches of a block, or global pooling");
        }

        var (relu, _) = NormalizedRelu(first.Output.Reader ?? throw first.Node.Refuse("is read several times", "one reader"));
        if (relu.Output.Reader is Operation.MaxPool pool)
        {
            _parts.CheckKernel(pool, expected: 2);
            _parts.BeginPooledStage();
            TakeConvolution(_parts.InStage("down.conv"));
            TakeNormalizedRelu(_parts.InStage("down.bn"));
            Advance(pool);
            return;
        }

        var count = first.Kernel == 1 ? 3 : 2;
        _parts.BeginBlock(PlainStride(first, count));
        _parts.SetKernels(first.Node, count);
        for (var index = 1; index <= count; index++)
        {
            TakeConvolution(_parts.InBlock($"conv{index}"));
            TakeNormalizedRelu(_parts.InBlock($"bn{index}"));
        }
    }

    private int PlainStride(Operation.Convolution first, int count)
    {
        var (stride, convolution) = (first.Stride, first);
        for (var index = 1; index < count; index++)
        {
            var (relu, _) = NormalizedRelu(
                convolution.Output.Reader ?? throw convolution.Node.Refuse("is read several times", "one reader"));
            convolution = relu.Output.Reader as Operation.Convolution
                ?? throw relu.Node.Refuse("ends a block early", $"{count} convolutions in a block");
            stride *= convolution.Stride;
        }

        return stride;
    }

    private List<Branch> Branches(IReadOnlyList<Operation> readers)
    {
        if (readers.Count != 2)
        {
            throw Refuse("two branches of a block: its convolutions and its shortcut");
        }

        List<Branch> branches = [.. readers.Select(Branch.Follow)];
        return branches.Count(branch => branch.IsResidual) == 1 && branches[0].End == branches[1].End
            ? branches
            : throw branches[0].End.Node.Refuse(
                "does not add a block's convolutions and its shortcut",
                "two or three convolutions on one side, and at most one on the other");
    }

    private static int StrideOf(Branch residual) =>
        residual.Operations.OfType<Operation.Convolution>()
            .Aggregate(1, (stride, convolution) => unchecked(stride * convolution.Stride));

    private void TakeResidual(Branch branch, bool isPreActivation)
    {
        var operations = branch.Operations;
        var excitation = operations.Count > 0 ? operations[^1] as Operation.Scaled : null;
        var count = operations.OfType<Operation.Convolution>().Count();
        _parts.SetKernels(operations[0].Node, count);
        var at = 0;
        for (var index = 1; index <= count; index++)
        {
            var convolution = Expect<Operation.Convolution>(branch, at++, "a convolution");
            _parts.AddConvolution(_parts.InBlock($"conv{index}"), convolution);
            if (isPreActivation && index == count)
            {
                _parts.CheckNoBias(convolution);
                break;
            }

            var normalization = NormalizationFrom(operations, ref at);
            var name = _parts.InBlock($"bn{(isPreActivation ? index + 1 : index)}");
            _parts.AddNormalization(name, convolution.Node, convolution.Outputs, convolution, normalization);
            if (isPreActivation || index < count)
            {
                Expect<Operation.Relu>(branch, at++, "a ReLU between a block's convolutions");
            }
        }

        if (excitation is not null && at == operations.Count - 1)
        {
            TakeExcitation(excitation);
            at++;
        }

        if (at != operations.Count)
        {
            throw operations[at].Node.Refuse("ends a block's convolutions", "the addition to the shortcut");
        }
    }

    private void TakeExcitation(Operation.Scaled scaled)
    {
        if (scaled.Maps.Readers.Find(reader => reader is Operation.AveragePool { IsGlobal: true }) is { } pool
            && pool.Output.Reader is Operation.Convolution { Kernel: 1 } squeeze
            && squeeze.Output.Reader is Operation.Relu relu
            && relu.Output.Reader is Operation.Convolution { Kernel: 1 } excite
            && excite.Output.Reader is Operation.Sigmoid sigmoid
            && sigmoid.Output == scaled.Gate && sigmoid.Output.Reader == scaled)
        {
            _parts.AddExcitation(squeeze, excite);
            return;
        }

        throw scaled.Node.Refuse(
            "scales feature maps by something else",
            "squeeze-and-excitation: global pooling, 1×1 convolution, ReLU, another, and Sigmoid");
    }

    private void TakeShortcut(Branch branch, bool isNormalized)
    {
        var (operations, at) = (branch.Operations, 0);
        if (operations.Count == 0)
        {
            _parts.HasIdentity = true;
            return;
        }

        if (operations.All(each => each is Operation.Subsample or Operation.PadChannels))
        {
            _parts.AddPaddedIdentity(operations);
            return;
        }

        var isPooled = operations[0] is Operation.AveragePool;
        if (operations[0] is Operation.AveragePool pool)
        {
            _parts.CheckKernel(pool, expected: 2);
            at++;
        }

        var convolution = Expect<Operation.Convolution>(branch, at++, "a 1×1 convolution as the shortcut");
        var normalization = NormalizationFrom(operations, ref at);
        if (at != operations.Count)
        {
            throw operations[at].Node.Refuse("follows the shortcut's convolution", "the addition");
        }

        isNormalized |= normalization.Count > 0 || convolution.Bias is not null;
        _parts.AddProjection(convolution, isNormalized, isPooled, normalization);
    }

    private static T Expect<T>(Branch branch, int index, string what)
        where T : Operation =>
        index >= branch.Operations.Count
            ? throw branch.End.Node.Refuse("ends a block early", what)
            : branch.Operations[index] as T ?? throw branch.Operations[index].Node.Refuse("stands in a block", what);

    // A normalization, or what a file made of one: factors and sums for each channel.
    private static bool IsNormalization(Operation operation) =>
        operation is Operation.Normalization or Operation.Affine { IsPerPixel: false };

    private static List<Operation> NormalizationFrom(IReadOnlyList<Operation> operations, ref int at)
    {
        var found = new List<Operation>();
        while (at < operations.Count && IsNormalization(operations[at]))
        {
            found.Add(operations[at++]);
        }

        return found;
    }

    private static Signal NormalizationEnd(Operation first)
    {
        var end = first.Output;
        while (end.Reader is { } next && IsNormalization(next))
        {
            end = next.Output;
        }

        return end;
    }

    private static (Operation.Relu Relu, List<Operation> Normalization) NormalizedRelu(Operation first)
    {
        var (next, normalization) = (first, new List<Operation>());
        while (IsNormalization(next))
        {
            normalization.Add(next);
            next = next.Output.Reader
                ?? throw next.Node.Refuse($"is read {next.Output.Readers.Count} times", "a ReLU after the normalization");
        }

        return next is Operation.Relu relu
            ? (relu, normalization)
            : throw next.Node.Refuse("stands after a convolution", "a normalization or a ReLU");
    }

    private Operation.Convolution TakeConvolution(string name)
    {
        var convolution = Next<Operation.Convolution>("a convolution");
        _parts.AddConvolution(name, convolution);
        Advance(convolution);
        _source = convolution;
        return convolution;
    }

    private void TakeNormalizedRelu(string name)
    {
        var first = _x.Reader ?? throw Refuse("a normalization or a ReLU");
        var (relu, normalization) = NormalizedRelu(first);
        _parts.AddNormalization(name, relu.Node, _x.Shape.Channels, _source, normalization);
        Advance(relu);
    }

    private T Next<T>(string what)
        where T : Operation => _x.Reader as T ?? throw Refuse(what);

    private void Advance(Operation operation) => (_x, _source) = (operation.Output, null);

    private InvalidDataException Refuse(string expected) => _x.Readers switch
    {
        [] => new InvalidDataException($"its graph is not understood as a residual network: it ends where {expected} is expected"),
        [var reader] => reader.Node.Refuse("comes next", expected),
        [var reader, ..] => reader.Node.Refuse($"is one of {_x.Readers.Count} that read the same", expected),
    };
}
