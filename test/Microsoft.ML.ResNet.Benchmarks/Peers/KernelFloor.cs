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
internal static class KernelFloor
{
    public const string ConvolutionForward = "convolution, forward";
    public const string ConvolutionBackward = "convolution, backward";
    public const string BatchNormForward = "batch norm, forward";
    public const string BatchNormBackward = "batch norm, backward";
    public const string Activation = "ReLU, forward and backward";
    public const string Addition = "addition, forward and backward";

    public static readonly Peer<TrainingWork, TrainingRate> Peer = new("floor", Measure);

    private const int Repeats = 7;

    private static TrainingRate Measure(TrainingWork work)
    {
        TorchRuntime.Initialize();
        set_num_threads(work.Threads);
        var type = PrecisionProbe.Resolve(TrainingPrecision.Auto) == TrainingPrecision.BFloat16 ? ScalarType.BFloat16 : ScalarType.Float32;
        var plan = work.Plan;
        var (parts, known) = (new Dictionary<string, double>(), new Dictionary<string, (double Forward, double Backward)>());
        foreach (var layer in plan.Layers)
        {
            var (forward, backward) = layer switch
            {
                ConvolutionLayer => (ConvolutionForward, ConvolutionBackward),
                BatchNormLayer => (BatchNormForward, BatchNormBackward),
                ReluLayer => (Activation, Activation),
                AddLayer => (Addition, Addition),
                _ => (null, null),
            };
            if (forward is null || backward is null)
            {
                continue;
            }

            // Layers of the same kind and shapes take the same time: one of them is measured.
            var input = plan.Layers[layer.Inputs[0]];
            var shapes = $"{forward} {input.Output} {layer.Output} {(layer as ConvolutionLayer)?.Kernel} {(layer as ConvolutionLayer)?.Groups} {input is ImageInputLayer}";
            if (!known.TryGetValue(shapes, out var time))
            {
                known[shapes] = time = Time(layer, input, work.BatchSize, type);
            }

            parts[forward] = parts.GetValueOrDefault(forward) + time.Forward;
            parts[backward] = parts.GetValueOrDefault(backward) + time.Backward;
        }

        var floor = parts[ConvolutionForward] + parts[ConvolutionBackward] + parts[BatchNormForward] + parts[BatchNormBackward];
        return new TrainingRate(work.BatchSize / (floor / 1000), plan.ParameterCount, type.ToString()) { Parts = parts };
    }

    // The best of some runs, in milliseconds: a floor is without disturbances.
    private static (double Forward, double Backward) Time(Layer layer, Layer input, int batch, ScalarType type)
    {
        using var scope = NewDisposeScope();
        var x = ChannelsLast(batch, input.Output, type).requires_grad_(input is not ImageInputLayer);
        var other = ChannelsLast(batch, layer.Output, type);
        var weights = layer.Weights.Select(spec => Weight(spec, layer is ConvolutionLayer ? type : ScalarType.Float32)).ToArray();
        var (forward, backward) = (double.MaxValue, double.MaxValue);
        for (var i = 0; i <= Repeats; i++)
        {
            using var step = NewDisposeScope();
            var start = Stopwatch.GetTimestamp();
            var y = Apply(layer, x, other, weights);
            var middle = Stopwatch.GetTimestamp();
            if (layer is AddLayer)
            {
                using var sum = other.add(other); // of the gradients that come from the residual and from the shortcut
            }
            else
            {
                y.backward([other]);
            }

            var end = Stopwatch.GetTimestamp();
            foreach (var leaf in weights.Append(x))
            {
                leaf.grad = null;
            }

            // The first run warms up.
            if (i > 0)
            {
                forward = Math.Min(forward, Stopwatch.GetElapsedTime(start, middle).TotalMilliseconds);
                backward = Math.Min(backward, Stopwatch.GetElapsedTime(middle, end).TotalMilliseconds);
            }
        }

        return (forward, backward);
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
