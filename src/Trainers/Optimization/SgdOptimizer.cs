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

    private readonly Tensor[] _weights;
    private readonly Tensor[] _velocities;
    private readonly Tensor _rate = zeros([], ScalarType.Float64);
    private readonly Tensor _momentum;
    private readonly Tensor _weightDecay;

    /// <param name="weights">The tensors to update; they stay the caller's.</param>
    /// <param name="momentum">The share of the velocity that is kept.</param>
    /// <param name="weightDecay">The strength of the pull towards zero.</param>
    public SgdOptimizer(Tensor[] weights, double momentum, double weightDecay)
    {
        _weights = weights;
        _velocities = [.. weights.Select(weight => zeros_like(weight, requires_grad: false))];
        _momentum = tensor(momentum, ScalarType.Float64);
        _weightDecay = tensor(weightDecay, ScalarType.Float64);
    }

    /// <summary>Updates the weights from their gradients, then drops the gradients.</summary>
    public void Step(double learningRate)
    {
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        var gradients = new Tensor[_weights.Length];
        for (var i = 0; i < gradients.Length; i++)
        {
            gradients[i] = _weights[i].grad ?? throw new InvalidOperationException($"Weight {i} has no gradient.");
        }

        _rate.fill_(learningRate);
        FusedSgd.Value.invoke("step", _weights, gradients, _velocities, _rate, _momentum, _weightDecay);
        foreach (var weight in _weights)
        {
            weight.grad = null;
        }
    }

    public void Dispose()
    {
        foreach (var tensor in (Tensor[])[.. _velocities, _rate, _momentum, _weightDecay])
        {
            tensor.Dispose();
        }
    }
}
