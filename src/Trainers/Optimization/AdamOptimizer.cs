using Microsoft.ML.ResNet.Trainers.Devices;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Optimization;

/// <summary>
/// AdamW (Loshchilov and Hutter, 2019, algorithm 2): m ← β₁·m + (1 − β₁)·g; s ← β₂·s + (1 − β₂)·g²; u = m̂ / (√ŝ + ε) + decay·w; w ← w −
/// rate·u, where m̂ and ŝ are corrected for their start at zero. LAMB (You et al., 2020, algorithm 2) multiplies the rate by |w| / |u|,
/// tensor by tensor.
/// </summary>
internal sealed class AdamOptimizer : Optimizer
{
    // ε is PyTorch's default for Adam. A tensor of zeros, or without an update, has a trust ratio of 1, as in the paper's reference code.
    private const string Script =
        """
        def update(
                weights: List[Tensor], gradients: List[Tensor], means: List[Tensor], squares: List[Tensor], steps: List[Tensor],
                rate: Tensor, momentum: Tensor, squared: Tensor, decay: Tensor, trust: Tensor):
            for w, g, m, s, t in zip(weights, gradients, means, squares, steps):
                t.add_(1.0)
                count = float(t)
                m.lerp_(g, 1.0 - float(momentum))
                s.mul_(float(squared)).addcmul_(g, g, value=1.0 - float(squared))
                u = (m / (1.0 - float(momentum) ** count)) / ((s / (1.0 - float(squared) ** count)).sqrt() + 1e-8)
                u.add_(w, alpha=float(decay))
                scale = float(rate)
                if float(trust) > 0.0:
                    length = float(w.norm())
                    change = float(u.norm())
                    if length > 0.0 and change > 0.0:
                        scale = scale * length / change
                w.sub_(u, alpha=scale)
            return rate

        """;

    private static readonly Lazy<jit.CompilationUnit> Compiled = new(() => jit.compile(Script));

    private readonly Tensor _momentum;
    private readonly Tensor _beta2;
    private readonly Tensor _trustRatio;

    /// <param name="parameters">The parameters.</param>
    /// <param name="trustRatio">Whether the rate is scaled per tensor: LAMB.</param>
    /// <param name="momentum">β₁.</param>
    /// <param name="beta2">β₂.</param>
    /// <param name="weightDecay">The strength of the pull towards zero.</param>
    /// <param name="clipNorm">The length that the whole gradient is clipped to; null for none.</param>
    public AdamOptimizer(
        IEnumerable<OptimizedParameter> parameters,
        bool trustRatio,
        double momentum,
        double beta2,
        double weightDecay,
        double? clipNorm = null)
        : base(parameters, [new Slot("mean"), new Slot("square"), new Slot("steps", IsScalar: true)], weightDecay, clipNorm)
    {
        _momentum = TensorFactory.Number(momentum);
        _beta2 = TensorFactory.Number(beta2);
        _trustRatio = TensorFactory.Number(trustRatio ? 1 : 0);
    }

    public override void Dispose()
    {
        _momentum.Dispose();
        _beta2.Dispose();
        _trustRatio.Dispose();
        base.Dispose();
    }

    protected override void Step(Tensor[] weights, Tensor[] gradients, Tensor[][] slots, Tensor rate, Tensor decay) =>
        Compiled.Value.invoke(
            "update", weights, gradients, slots[0], slots[1], slots[2], rate, _momentum, _beta2, decay, _trustRatio);
}
