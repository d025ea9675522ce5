namespace Microsoft.ML.ResNet.Graphs;

// The blocks: their convolutions, their shortcuts, and what stands between two stages.
internal sealed partial class NetworkRecognizer
{
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

    private static List<Operation> NormalizationFrom(IReadOnlyList<Operation> operations, ref int at)
    {
        var found = new List<Operation>();
        while (at < operations.Count && IsNormalization(operations[at]))
        {
            found.Add(operations[at++]);
        }

        return found;
    }
}
