using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Optimization;

/// <summary>
/// Stochastic gradient descent with momentum and weight decay, in PyTorch's form: g ← g + decay·w; v ← momentum·v + g; w ← w − rate·v.
/// </summary>
/// <remarks>One fused operator updates all tensors. TorchSharp does not expose it, so it is reached through TorchScript.</remarks>
internal sealed class SgdOptimizer : IDisposable
{
    // The settings come as tensors: TorchSharp passes a plain number by a handle that its finalizer may free too early.
    private const string Script =
        """
        def step(weights: List[Tensor], gradients: List[Tensor], velocities: List[Tensor], rate: Tensor, momentum: Tensor, decay: Tensor):
            torch._fused_sgd_(weights, gradients, velocities, weight_decay=float(decay), momentum=float(momentum), lr=float(rate), dampening=0.0, nesterov=False, maximize=False, is_first_step=False)
            return rate

        """;

    // Never freed by TorchSharp, so there is one for the process.
    private static readonly Lazy<jit.CompilationUnit> FusedSgd = new(() => jit.compile(Script));

    private readonly Group[] _groups;
    private readonly Tensor _rate = zeros([], ScalarType.Float64);
    private readonly Tensor _momentum;
    private readonly Tensor _weightDecay;

    /// <param name="weights">The tensors to update; they stay the caller's.</param>
    /// <param name="rateScales">What the learning rate of each is multiplied by.</param>
    /// <param name="momentum">The share of the velocity that is kept.</param>
    /// <param name="weightDecay">The strength of the pull towards zero.</param>
    public SgdOptimizer(Tensor[] weights, double[] rateScales, double momentum, double weightDecay)
    {
        _groups = [.. weights.Zip(rateScales).GroupBy(pair => pair.Second, pair => pair.First).Select(group => new Group(group.Key, [.. group]))];
        _momentum = tensor(momentum, ScalarType.Float64);
        _weightDecay = tensor(weightDecay, ScalarType.Float64);
    }

    /// <summary>Updates the weights that have a gradient, then drops the gradients. A weight without one is frozen, and stays.</summary>
    public void Step(double learningRate)
    {
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        foreach (var group in _groups)
        {
            if (group.WithGradients() is { Weights.Length: > 0 } ready)
            {
                _rate.fill_(learningRate * group.RateScale);
                FusedSgd.Value.invoke("step", ready.Weights, ready.Gradients, ready.Velocities, _rate, _momentum, _weightDecay);
            }
        }
    }

    public void Dispose()
    {
        foreach (var tensor in (Tensor[])[.. _groups.SelectMany(group => group.Velocities), _rate, _momentum, _weightDecay])
        {
            tensor.Dispose();
        }
    }

    /// <summary>Weights with the same learning rate.</summary>
    private sealed class Group(double rateScale, Tensor[] weights)
    {
        public double RateScale => rateScale;

        public Tensor[] Velocities { get; } = [.. weights.Select(weight => zeros_like(weight, requires_grad: false))];

        public (Tensor[] Weights, Tensor[] Gradients, Tensor[] Velocities) WithGradients()
        {
            List<Tensor> ready = [], gradients = [], velocities = [];
            foreach (var (weight, velocity) in weights.Zip(Velocities))
            {
                if (weight.grad is { } gradient)
                {
                    ready.Add(weight);
                    gradients.Add(gradient);
                    velocities.Add(velocity);
                    weight.grad = null;
                }
            }

            return ([.. ready], [.. gradients], [.. velocities]);
        }
    }
}
