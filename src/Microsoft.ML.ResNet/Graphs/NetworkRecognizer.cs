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
internal sealed partial class NetworkRecognizer
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

    // A normalization, or what a file made of one: factors and sums for each channel.
    private static bool IsNormalization(Operation operation) =>
        operation is Operation.Normalization or Operation.Affine { IsPerPixel: false };

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
