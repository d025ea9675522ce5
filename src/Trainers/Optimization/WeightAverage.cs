using Microsoft.ML.ResNet.Trainers.Networks;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Optimization;

/// <summary>An exponential moving average of a network's weights and statistics, which is a network itself.</summary>
internal sealed class WeightAverage(ResidualNetwork source, ResidualNetwork average, double decay)
{
    private const string Script =
        """
        def update(average: List[Tensor], source: List[Tensor], share: Tensor):
            torch._foreach_lerp_(average, source, float(share))
            return share

        """;

    private static readonly Lazy<jit.CompilationUnit> Compiled = new(() => jit.compile(Script));

    private readonly Tensor[] _source = [.. source.State.Select(each => each.Value)];
    private readonly Tensor[] _average = [.. average.State.Select(each => each.Value)];

    /// <summary>Gets the network whose weights are the average; its creator disposes of it.</summary>
    public ResidualNetwork Network => average;

    /// <summary>Takes the source's weights into the average.</summary>
    /// <param name="step">The steps taken so far: the average keeps at most (1 + step) / (10 + step), so that it soon forgets the
    /// start.</param>
    public void Update(long step)
    {
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        var keep = Math.Min(decay, (1.0 + step) / (10 + step));
        Compiled.Value.invoke("update", _average, _source, tensor(1 - keep, ScalarType.Float64));
    }
}
