using System.Collections.Immutable;
using Microsoft.ML.ResNet.Trainers.Devices;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Networks;

/// <summary>
/// Checks that native kernels give correct results before a network uses them. Each distinct convolution of the network is computed once,
/// forward and both gradients, on two images, and compared with matrix products in float32. The network uses the first method that agrees.
/// </summary>
/// <remarks>
/// Some native kernels are wrong on some CPUs only: with AVX-512 BF16, oneDNN 3.7.1 misread the memory layout of images of one channel,
/// and its results were off by 62 % of the values, without an error. Each result is kept for as long as the process runs.
/// </remarks>
/// <param name="convolve">Computes a convolution; tests pass one that is wrong.</param>
internal sealed class ConvolutionCheck(ConvolutionCheck.Convolution convolve)
{
    private const int Images = 2;
    private const int Seed = 1;

    // The largest error, in units of the values' root mean square. Rounding to bfloat16 gave up to 0.06, sums in float32 up to 2e-5; what
    // reads a wrong pixel is off by a third at least.
    private const double BFloat16Tolerance = 0.125;
    private const double Float32Tolerance = 1e-3;

    private readonly Lock _lock = new();
    private readonly Dictionary<(ConvolutionShape Shape, ScalarType Type, int Threads), ConvolutionVerdict> _verdicts = [];
    private readonly HashSet<ConvolutionVerdict> _told = [];

    /// <summary>As <see cref="ConvolutionKernels.Convolve"/>.</summary>
    public delegate Tensor Convolution(ConvolutionMethod method, ConvolutionShape shape, Tensor x, Tensor filters, Tensor? bias);

    /// <summary>Gets the check that networks share.</summary>
    public static ConvolutionCheck Shared { get; } = new(ConvolutionKernels.Convolve);

    /// <summary>Computes a convolution.</summary>
    public Convolution Convolve { get; } = convolve;

    /// <summary>Finds how a convolution is computed, with the threads that Torch has now.</summary>
    /// <param name="shape">The convolution.</param>
    /// <param name="type">The type that it multiplies in.</param>
    public ConvolutionVerdict Of(ConvolutionShape shape, ScalarType type)
    {
        var key = (shape, type, get_num_threads());
        lock (_lock)
        {
            if (!_verdicts.TryGetValue(key, out var verdict))
            {
                _verdicts[key] = verdict = Judge(shape, type);
            }

            return verdict;
        }
    }

    /// <summary>Says which convolutions of a network are replaced, each once.</summary>
    public void Tell(LayerPlan plan, ScalarType type, Action<string> warn)
    {
        var replaced = plan.Layers.OfType<ConvolutionLayer>()
            .Select(layer => Of(ConvolutionShape.Of(plan, layer), type))
            .Where(verdict => verdict.IsReplaced);
        foreach (var verdict in replaced)
        {
            bool isNew;
            lock (_lock)
            {
                isNew = _told.Add(verdict);
            }

            if (isNew)
            {
                warn(verdict.ToString());
            }
        }
    }

    private ConvolutionVerdict Judge(ConvolutionShape shape, ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var gradients = enable_grad();
        var problem = Problem.Of(shape, type);
        var expected = problem.Expect();
        var tolerance = type == ScalarType.BFloat16 ? BFloat16Tolerance : Float32Tolerance;
        var tried = ImmutableArray.CreateBuilder<(ConvolutionMethod Method, double Error)>();
        foreach (var method in ConvolutionKernels.Candidates(shape, type))
        {
            var error = Error(expected, problem.Compute(method, Convolve));
            tried.Add((method, error));
            if (error <= tolerance)
            {
                return new ConvolutionVerdict(shape, type, tried.ToImmutable(), method);
            }
        }

        // Nothing agrees, so there may be no right one: the one that is least off, where a number tells.
        var best = tried.MinBy(each => double.IsNaN(each.Error) ? double.MaxValue : each.Error);
        return new ConvolutionVerdict(shape, type, tried.ToImmutable(), best.Method);
    }

    private static double Error(Tensor[] expected, Tensor[] actual)
    {
        var worst = 0.0;
        foreach (var (right, got) in expected.Zip(actual))
        {
            using var scope = NewDisposeScope();
            var error = (got.to(ScalarType.Float32) - right).abs().max().item<float>() / right.square().mean().sqrt().item<float>();
            worst = float.IsNaN(error) ? double.NaN : Math.Max(worst, error); // NaN stays: it is larger than nothing
            if (double.IsNaN(worst))
            {
                break;
            }
        }

        return worst;
    }

    /// <summary>Images, filters and gradients of the result, at random.</summary>
    /// <param name="Shape">The convolution.</param>
    /// <param name="X">[images, channels, height, width], channels-last, of the type that is checked.</param>
    /// <param name="Filters">[filters, channels of a group, kernel, kernel], channels-last.</param>
    /// <param name="Gradient">[images, filters, height, width] of the result, channels-last.</param>
    private sealed record Problem(ConvolutionShape Shape, Tensor X, Tensor Filters, Tensor Gradient)
    {
        public static Problem Of(ConvolutionShape shape, ScalarType type)
        {
            using var generator = new Generator(Seed);
            return new Problem(
                shape,
                ChannelsLast(Images, shape.Height, shape.Width, shape.Channels).requires_grad_(),
                ChannelsLast(shape.Filters, shape.Kernel, shape.Kernel, shape.Channels / shape.Groups).requires_grad_(),
                ChannelsLast(Images, shape.ResultHeight, shape.ResultWidth, shape.Filters));

            Tensor ChannelsLast(params long[] sizes) =>
                TensorFactory.Random(sizes, generator).sub_(0.5).to(type).permute(0, 3, 1, 2).detach();
        }

        /// <summary>Computes the result, and the gradients of images and filters.</summary>
        public Tensor[] Compute(ConvolutionMethod method, Convolution convolve)
        {
            var result = convolve(method, Shape, X, Filters, null);
            result.backward([Gradient]);
            Tensor[] all = [result.detach(), X.grad!, Filters.grad!];
            (X.grad, Filters.grad) = (null, null);
            return all;
        }

        /// <summary>
        /// The same in float32, group by group: result = filters · unfolded, and the two products that are its gradients.
        /// </summary>
        public Tensor[] Expect()
        {
            using var noGradients = no_grad();
            var groups = Shape.Groups;
            var inputs = Shape.Channels / groups * Shape.Kernel * Shape.Kernel;
            var positions = Shape.ResultHeight * Shape.ResultWidth;
            var unfolded = ConvolutionKernels.Unfold(Shape, Single(X)).view(Images * groups, inputs, positions);
            var filters = Single(Filters)
                .view(1, groups, Shape.Filters / groups, inputs)
                .expand(Images, -1, -1, -1)
                .reshape(Images * groups, -1, inputs);
            var gradient = Single(Gradient).view(Images * groups, Shape.Filters / groups, positions);
            return
            [
                bmm(filters, unfolded).view(Gradient.shape),
                ConvolutionKernels.Fold(Shape, bmm(filters.transpose(1, 2), gradient).view(Images, -1, positions)),
                bmm(gradient, unfolded.transpose(1, 2)).view(Images, groups, -1, inputs).sum([0L]).view(Filters.shape),
            ];

            static Tensor Single(Tensor x) => x.to(ScalarType.Float32).contiguous();
        }
    }
}
