using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Optimization;

/// <summary>
/// LARS (You et al., 2017, algorithm 1): λ = 0.001·|w| / (|g| + decay·|w|); v ← momentum·v + rate·λ·(g + decay·w); w ← w − v. For vectors,
/// which are biases and normalizations, λ is 1, and so it is where |w| or |g| is 0, as in the reference code.
/// </summary>
internal sealed class LarsOptimizer : Optimizer
{
    // The trust coefficient of the paper's section 5.
    private const string Script =
        """
        def update(
                weights: List[Tensor], gradients: List[Tensor], velocities: List[Tensor],
                rate: Tensor, momentum: Tensor, decay: Tensor):
            for w, g, v in zip(weights, gradients, velocities):
                scale = float(rate)
                if w.dim() > 1:
                    length = float(w.norm())
                    change = float(g.norm())
                    if length > 0.0 and change > 0.0:
                        scale = scale * 0.001 * length / (change + float(decay) * length)
                v.mul_(float(momentum)).add_(g.add(w, alpha=float(decay)), alpha=scale)
                w.sub_(v)
            return rate

        """;

    private static readonly Lazy<jit.CompilationUnit> Compiled = new(() => jit.compile(Script));

    private readonly Tensor _momentum;

    /// <param name="parameters">The parameters.</param>
    /// <param name="momentum">The share of the velocity that is kept.</param>
    /// <param name="weightDecay">The strength of the pull towards zero.</param>
    /// <param name="clipNorm">The length that the whole gradient is clipped to; null for none.</param>
    public LarsOptimizer(IEnumerable<OptimizedParameter> parameters, double momentum, double weightDecay, double? clipNorm = null)
        : base(parameters, [new Slot("velocity")], weightDecay, clipNorm) => _momentum = tensor(momentum, ScalarType.Float64);

    public override void Dispose()
    {
        _momentum.Dispose();
        base.Dispose();
    }

    protected override void Step(Tensor[] weights, Tensor[] gradients, Tensor[][] slots, Tensor rate, Tensor decay) =>
        Compiled.Value.invoke("update", weights, gradients, slots[0], rate, _momentum, decay);
}
