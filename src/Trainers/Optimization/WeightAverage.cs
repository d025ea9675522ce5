using Microsoft.ML.ResNet.Trainers.Compiled;
using Microsoft.ML.ResNet.Trainers.Devices;
using Microsoft.ML.ResNet.Trainers.Networks;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Optimization;

/// <summary>An exponential moving average of a network's weights and statistics, which is a network itself.</summary>
internal sealed class WeightAverage
{
    private const string Script =
        """
        def update(average: List[Tensor], source: List[Tensor], share: Tensor):
            torch._foreach_lerp_(average, source, float(share))
            return share

        """;

    private static readonly Lazy<jit.CompilationUnit> Compiled = new(() => jit.compile(Script));

    private readonly (Tensor[] Source, Tensor[] Average)[] _tensors; // by worker
    private readonly double _decay;
    private readonly Action<int> _updateOn;
    private double _share;

    /// <param name="source">The network whose weights are averaged.</param>
    /// <param name="average">The network whose weights are the average; its creator disposes of it.</param>
    /// <param name="decay">The share of the average that a step keeps.</param>
    /// <param name="workers">The workers that share the work.</param>
    public WeightAverage(ResidualNetwork source, ResidualNetwork average, double decay, int workers = 1)
    {
        (Network, _decay) = (average, decay);
        var pairs = source.State.Zip(average.State, (from, to) => (Source: from.Value, Average: to.Value)).ToArray();
        var worker = EvenShares.Of(pairs.Select(pair => pair.Source.numel()), workers);
        _tensors =
        [
            .. Enumerable.Range(0, workers)
                .Select(index => pairs.Where((_, i) => worker[i] == index).ToArray())
                .Select(own => (own.Select(pair => pair.Source).ToArray(), own.Select(pair => pair.Average).ToArray())),
        ];
        _updateOn = UpdateOn;
    }

    /// <summary>Gets the network whose weights are the average; its creator disposes of it.</summary>
    public ResidualNetwork Network { get; }

    /// <summary>Takes the source's weights into the average.</summary>
    /// <param name="step">The steps taken so far: the average keeps at most (1 + step) / (10 + step), so that it soon forgets the
    /// start.</param>
    /// <param name="team">The workers, as in <see cref="Optimizer.Step(double, Tensor[], WorkerTeam)"/>.</param>
    public void Update(long step, WorkerTeam? team = null)
    {
        _share = 1 - Math.Min(_decay, (1.0 + step) / (10 + step));
        if (team is not null)
        {
            team.Run(_updateOn);
            return;
        }

        using var noGradients = no_grad();
        for (var worker = 0; worker < _tensors.Length; worker++)
        {
            UpdateOn(worker);
        }
    }

    private void UpdateOn(int worker)
    {
        var (source, average) = _tensors[worker];
        if (source.Length > 0)
        {
            using var scope = NewDisposeScope();
            Compiled.Value.invoke("update", average, source, TensorFactory.Number(_share));
        }
    }
}
