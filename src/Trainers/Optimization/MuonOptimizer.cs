using Microsoft.ML.ResNet.Trainers.Devices;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Optimization;

/// <summary>
/// Muon (Jordan et al., 2024, https://kellerjordan.github.io/posts/muon): the velocity of each convolution's filters, as a matrix [filters,
/// inputs of a filter], steps along the orthogonal matrix nearest to it, so that rare directions are learned as fast as frequent ones: v ←
/// momentum·v + g; w ← w − rate·decay·w − scale·rate·orthogonal(v), with Nesterov's momentum orthogonal(g + momentum·v). Other parameters
/// are trained by <see cref="SgdOptimizer"/>.
/// </summary>
/// <remarks>
/// Orthogonal is approximate: three steps of the Newton–Schulz iteration x ← a·x + b·(x·xᵀ)·x + c·(x·xᵀ)²·x on the matrix scaled to a
/// length of 1, with the coefficients of the source, which bring singular values near 1 fast; the smallest ones are still below it after
/// three steps.
/// </remarks>
internal sealed class MuonOptimizer : SgdOptimizer
{
    // Filters are channels-last, so that their rows, put in that order, are no copy.
    private const string Script =
        """
        def orthogonal(matrix: Tensor):
            x = matrix / (matrix.norm() + 1e-7)
            tall = x.size(0) > x.size(1)
            if tall:
                x = x.t()
            for i in range(3):
                square = x @ x.t()
                x = 3.4445 * x + (-4.7750 * square + 2.0315 * (square @ square)) @ x
            if tall:
                x = x.t()
            return x

        def update(
                weights: List[Tensor], gradients: List[Tensor], velocities: List[Tensor],
                rate: Tensor, momentum: Tensor, decay: Tensor, scale: Tensor, nesterov: Tensor, keep: Tensor):
            for w, g, v in zip(weights, gradients, velocities):
                v.mul_(float(momentum)).add_(g)
                if float(nesterov) > 0.0:
                    g = g.add(v, alpha=float(momentum))
                else:
                    g = v
                rows = g.permute([0, 2, 3, 1])
                step = orthogonal(rows.flatten(1)).view(rows.size()).permute([0, 3, 1, 2])
                if float(keep) > 0.0:
                    w.mul_(float(w.size(0)) ** 0.5 / w.norm())
                else:
                    w.mul_(1.0 - float(rate) * float(decay))
                w.sub_(step, alpha=float(rate) * float(scale))
            return rate

        """;

    private static readonly Lazy<jit.CompilationUnit> Compiled = new(() => jit.compile(Script));

    private readonly Tensor _scale;
    private readonly Tensor _nesterov;
    private readonly Tensor _keepLength;

    /// <param name="parameters">The parameters.</param>
    /// <param name="filterRate">The rate of filters, relative to that of the other parameters.</param>
    /// <param name="keepLength">Whether each convolution's filters are brought to a length of the square root of their number before a
    /// step, instead of decaying.</param>
    /// <param name="momentum">The share of the velocity that is kept.</param>
    /// <param name="nesterov">Whether the gradient looks ahead.</param>
    /// <param name="form">Where the rate stands, for the other parameters.</param>
    /// <param name="weightDecay">The strength of the pull towards zero.</param>
    /// <param name="clipNorm">The length that the whole gradient is clipped to; null for none.</param>
    public MuonOptimizer(
        IEnumerable<OptimizedParameter> parameters,
        double filterRate,
        bool keepLength,
        double momentum,
        bool nesterov,
        MomentumForm form,
        double weightDecay,
        double? clipNorm = null)
        : base(parameters, momentum, nesterov, form, weightDecay, clipNorm)
    {
        _scale = TensorFactory.Number(filterRate);
        _nesterov = TensorFactory.Number(nesterov ? 1 : 0);
        _keepLength = TensorFactory.Number(keepLength ? 1 : 0);
    }

    public override void Dispose()
    {
        _scale.Dispose();
        _nesterov.Dispose();
        _keepLength.Dispose();
        base.Dispose();
    }

    protected override void Step(Tensor[] weights, Tensor[] gradients, Tensor[][] slots, Tensor rate, Tensor decay)
    {
        if (AreFilters(weights))
        {
            Compiled.Value.invoke("update", weights, gradients, slots[0], rate, Momentum, decay, _scale, _nesterov, _keepLength);
        }
        else
        {
            base.Step(weights, gradients, slots, rate, decay);
        }
    }
}
