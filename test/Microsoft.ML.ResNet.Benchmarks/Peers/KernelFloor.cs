using System.Diagnostics;
using Microsoft.ML.ResNet.Trainers;
using Microsoft.ML.ResNet.Trainers.Networks;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Benchmarks.Peers;

/// <summary>
/// What no loop around these kernels can beat: each convolution and batch normalization of the network, forward and backward, on tensors of its shapes, in
/// the type and layout that the library trains in. The other operations are timed too, to tell where the rest of a step goes.
/// </summary>
/// <remarks>Kernels take turns for as long as the loops run, and means count: what disturbs the machine, or the core's other thread, slows both alike.</remarks>
internal static class KernelFloor
{
    public const string ConvolutionForward = "convolution, forward";
    public const string ConvolutionBackward = "convolution, backward";
    public const string BatchNormForward = "batch norm, forward";
    public const string BatchNormBackward = "batch norm, backward";
    public const string Activation = "ReLU, forward and backward";
    public const string Addition = "addition, forward and backward";

    public static readonly Peer<TrainingWork, TrainingRate> Peer = new("floor", Measure);

    private static TrainingRate Measure(TrainingWork work)
    {
        TorchRuntime.Initialize();
        set_num_threads(work.Threads);
        var type = PrecisionProbe.Resolve(TrainingPrecision.Auto) == TrainingPrecision.BFloat16 ? ScalarType.BFloat16 : ScalarType.Float32;
        var plan = work.Plan;
        using var scope = NewDisposeScope();
        Kernel[] kernels = [.. Kernels(plan, work.BatchSize, type)];
        var clock = Stopwatch.StartNew();
        for (var warm = false; !warm || clock.Elapsed.TotalSeconds < work.Seconds;)
        {
            foreach (var kernel in kernels)
            {
                kernel.Run(isTimed: warm);
            }

            if (!warm && clock.Elapsed.TotalSeconds >= work.WarmUp)
            {
                warm = true;
                clock.Restart();
            }
        }

        var parts = kernels.SelectMany(kernel => kernel.Parts).GroupBy(part => part.Name, part => part.Milliseconds).ToDictionary(part => part.Key, part => part.Sum());
        var floor = parts[ConvolutionForward] + parts[ConvolutionBackward] + parts[BatchNormForward] + parts[BatchNormBackward];
        return new TrainingRate(work.BatchSize / (floor / 1000), plan.ParameterCount, type.ToString()) { Parts = parts };
    }

    // Layers of the same kind and shapes take the same time: one of them is measured.
    private static IEnumerable<Kernel> Kernels(LayerPlan plan, int batch, ScalarType type) =>
        from layer in plan.Layers
        let names = layer switch
        {
            ConvolutionLayer => (Forward: ConvolutionForward, Backward: ConvolutionBackward),
            BatchNormLayer => (BatchNormForward, BatchNormBackward),
            ReluLayer => (Activation, Activation),
            AddLayer => (Addition, Addition),
            _ => default((string Forward, string Backward)?),
        }
        where names is not null
        let input = plan.Layers[layer.Inputs[0]]
        group (layer, input, names.Value) by (names, input.Output, layer.Output, (layer as ConvolutionLayer)?.Kernel, (layer as ConvolutionLayer)?.Groups, input is ImageInputLayer) into same
        let first = same.First()
        select new Kernel(first.layer, first.input, first.Value, same.Count(), batch, type);

    /// <summary>An operation of the network, forward and backward, and how often there is one like it.</summary>
    private sealed class Kernel
    {
        private readonly Layer _layer;
        private readonly (string Forward, string Backward) _names;
        private readonly int _count;
        private readonly Tensor _input, _other;
        private readonly Tensor[] _weights;
        private TimeSpan _forward, _backward;
        private int _runs;

        public Kernel(Layer layer, Layer input, (string Forward, string Backward) names, int count, int batch, ScalarType type)
        {
            (_layer, _names, _count) = (layer, names, count);
            _input = ChannelsLast(batch, input.Output, type).requires_grad_(input is not ImageInputLayer);
            _other = ChannelsLast(batch, layer.Output, type);
            _weights = [.. layer.Weights.Select(spec => Weight(spec, layer is ConvolutionLayer ? type : ScalarType.Float32))];
        }

        /// <summary>Gets the milliseconds that all of these operations take in a step.</summary>
        public IEnumerable<(string Name, double Milliseconds)> Parts =>
            [(_names.Forward, _forward.TotalMilliseconds * _count / _runs), (_names.Backward, _backward.TotalMilliseconds * _count / _runs)];

        public void Run(bool isTimed)
        {
            using var scope = NewDisposeScope();
            var start = Stopwatch.GetTimestamp();
            var y = Apply(_layer, _input, _other, _weights);
            var middle = Stopwatch.GetTimestamp();
            if (_layer is AddLayer)
            {
                using var sum = _other.add(_other); // of the gradients that come from the residual and from the shortcut
            }
            else
            {
                y.backward([_other]);
            }

            var end = Stopwatch.GetTimestamp();
            foreach (var leaf in _weights.Append(_input))
            {
                leaf.grad = null;
            }

            if (isTimed)
            {
                _forward += Stopwatch.GetElapsedTime(start, middle);
                _backward += Stopwatch.GetElapsedTime(middle, end);
                _runs++;
            }
        }
    }

    private static Tensor Apply(Layer layer, Tensor x, Tensor other, Tensor[] weights) => layer switch
    {
        ConvolutionLayer convolution => F.conv2d(x, weights[0], null, [(long)convolution.Stride, convolution.Stride], [(long)convolution.Padding, convolution.Padding], groups: convolution.Groups),
        BatchNormLayer => F.batch_norm(x, weights[2], weights[3], weights[0], weights[1], training: true, 0.1, BatchNormLayer.Epsilon),
        ReluLayer => x.relu(),
        AddLayer => x.detach().add_(other),
        _ => throw new ArgumentException($"Layer '{layer.Name}' is not timed.", nameof(layer)),
    };

    private static Tensor ChannelsLast(int batch, ImageShape shape, ScalarType type) => randn([batch, shape.Height, shape.Width, shape.Channels], type).permute(0, 3, 1, 2);

    private static Tensor Weight(WeightSpec spec, ScalarType type)
    {
        long[] shape = [.. spec.Shape.Select(size => (long)size)];
        return spec.Role switch
        {
            WeightRole.ConvolutionWeight => (randn([shape[0], shape[2], shape[3], shape[1]], type) * 0.05).permute(0, 3, 1, 2).detach().requires_grad_(),
            WeightRole.RunningMean or WeightRole.RunningVariance => ones(shape, type),
            _ => ones(shape, type).requires_grad_(),
        };
    }
}
