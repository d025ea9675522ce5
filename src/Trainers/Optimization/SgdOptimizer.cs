using Microsoft.ML.ResNet.Trainers.Devices;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Optimization;

/// <summary>
/// Stochastic gradient descent with momentum and weight decay. PyTorch's form: g ← g + decay·w; v ← momentum·v + g; w ← w − rate·v.
/// Caffe's: v ← momentum·v + rate·g; w ← w − v. With Nesterov's momentum the step is along g + momentum·v.
/// </summary>
internal class SgdOptimizer : Optimizer
{
    private const string Script =
        """
        def pytorch(
                weights: List[Tensor], gradients: List[Tensor], velocities: List[Tensor],
                rate: Tensor, momentum: Tensor, decay: Tensor):
            torch._fused_sgd_(
                weights, gradients, velocities, weight_decay=float(decay), momentum=float(momentum), lr=float(rate),
                dampening=0.0, nesterov=False, maximize=False, is_first_step=False)
            return rate

        def nesterov(
                weights: List[Tensor], gradients: List[Tensor], velocities: List[Tensor],
                rate: Tensor, momentum: Tensor, decay: Tensor):
            torch._fused_sgd_(
                weights, gradients, velocities, weight_decay=float(decay), momentum=float(momentum), lr=float(rate),
                dampening=0.0, nesterov=True, maximize=False, is_first_step=False)
            return rate

        def caffe(
                weights: List[Tensor], gradients: List[Tensor], velocities: List[Tensor],
                rate: Tensor, momentum: Tensor, decay: Tensor):
            torch._foreach_mul_(gradients, float(rate))
            torch._fused_sgd_(
                weights, gradients, velocities, weight_decay=float(decay) * float(rate), momentum=float(momentum), lr=1.0,
                dampening=0.0, nesterov=False, maximize=False, is_first_step=False)
            return rate

        def caffe_nesterov(
                weights: List[Tensor], gradients: List[Tensor], velocities: List[Tensor],
                rate: Tensor, momentum: Tensor, decay: Tensor):
            torch._foreach_mul_(gradients, float(rate))
            torch._fused_sgd_(
                weights, gradients, velocities, weight_decay=float(decay) * float(rate), momentum=float(momentum), lr=1.0,
                dampening=0.0, nesterov=True, maximize=False, is_first_step=False)
            return rate

        """;

    // Never freed by TorchSharp, so there is one for the process.
    private static readonly Lazy<jit.CompilationUnit> Fused = new(() => jit.compile(Script));

    private readonly string _form;

    /// <param name="parameters">The parameters.</param>
    /// <param name="momentum">The share of the velocity that is kept.</param>
    /// <param name="nesterov">Whether the gradient looks ahead.</param>
    /// <param name="form">Where the rate stands.</param>
    /// <param name="weightDecay">The strength of the pull towards zero.</param>
    /// <param name="clipNorm">The length that the whole gradient is clipped to; null for none.</param>
    public SgdOptimizer(
        IEnumerable<OptimizedParameter> parameters,
        double momentum,
        bool nesterov,
        MomentumForm form,
        double weightDecay,
        double? clipNorm = null)
        : base(parameters, [new Slot("velocity")], weightDecay, clipNorm)
    {
        _form = (form, nesterov) switch
        {
            (MomentumForm.Caffe, true) => "caffe_nesterov",
            (MomentumForm.Caffe, false) => "caffe",
            (_, true) => "nesterov",
            _ => "pytorch",
        };
        Momentum = TensorFactory.Number(momentum);
    }

    /// <summary>Gets the share of the velocity that is kept, as a scalar of float64.</summary>
    protected Tensor Momentum { get; }

    public override void Dispose()
    {
        Momentum.Dispose();
        base.Dispose();
    }

    protected override void Step(Tensor[] weights, Tensor[] gradients, Tensor[][] slots, Tensor rate, Tensor decay) =>
        Fused.Value.invoke(_form, weights, gradients, slots[0], rate, Momentum, decay);
}
