using Microsoft.ML.ResNet.Trainers.Compiled;
using Microsoft.ML.ResNet.Trainers.Devices;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Optimization;

/// <summary>
/// Turns gradients into steps, by one call into Torch for all filters, and one for all other parameters, with the same settings and worker.
/// </summary>
/// <remarks>
/// TorchSharp exposes neither fused nor foreach operators, so they are reached through TorchScript. Settings go there as tensors:
/// TorchSharp passes a plain number by a handle that its finalizer may free too early.
/// </remarks>
internal abstract class Optimizer : IDisposable
{
    private readonly Group[] _groups;
    private readonly double? _clipNorm;
    private readonly double _weightDecay;
    private readonly Action<int> _clipOnFirst;
    private readonly Action<int> _stepOn;
    private double _learningRate;

    /// <param name="parameters">The parameters.</param>
    /// <param name="slots">What is kept for each parameter.</param>
    /// <param name="weightDecay">The strength of the pull towards zero.</param>
    /// <param name="clipNorm">The length that the whole gradient is clipped to; null for none.</param>
    protected Optimizer(IEnumerable<OptimizedParameter> parameters, Slot[] slots, double weightDecay, double? clipNorm)
    {
        _groups =
        [
            .. parameters
                .Index()
                .GroupBy(each => (each.Item.Worker, each.Item.RateScale, each.Item.Decays, IsFilter(each.Item.Tensor)))
                .Select(group => new Group(
                    group.Key.Worker,
                    group.Key.RateScale,
                    group.Key.Decays,
                    [.. group.Select(each => each.Item)],
                    [.. group.Select(each => each.Index)],
                    slots)),
        ];
        _weightDecay = weightDecay;
        _clipNorm = clipNorm;
        _clipOnFirst = worker =>
        {
            if (worker == 0)
            {
                Clip();
            }
        };
        _stepOn = StepOn;
    }

    /// <summary>Makes the optimizer that a recipe asks for.</summary>
    public static Optimizer Of(TrainingRecipe recipe, IEnumerable<OptimizedParameter> parameters) => recipe.Optimizer switch
    {
        OptimizerKind.AdamW or OptimizerKind.Lamb => new AdamOptimizer(
            parameters,
            trustRatio: recipe.Optimizer == OptimizerKind.Lamb,
            recipe.Momentum,
            recipe.Beta2,
            recipe.WeightDecay,
            recipe.GradientClipNorm),
        OptimizerKind.Muon => new MuonOptimizer(
            parameters,
            recipe.FilterLearningRate / recipe.LearningRate,
            recipe.KeepFilterLength,
            recipe.Momentum,
            recipe.Nesterov,
            recipe.MomentumForm,
            recipe.WeightDecay,
            recipe.GradientClipNorm),
        OptimizerKind.Lars => new LarsOptimizer(parameters, recipe.Momentum, recipe.WeightDecay, recipe.GradientClipNorm),
        _ => new SgdOptimizer(
            parameters, recipe.Momentum, recipe.Nesterov, recipe.MomentumForm, recipe.WeightDecay, recipe.GradientClipNorm),
    };

    /// <summary>Gets the tensors that a checkpoint must hold, beside the parameters, so that training can go on.</summary>
    public IEnumerable<KeyValuePair<string, Tensor>> State => _groups.SelectMany(group => group.State);

    /// <summary>Updates the parameters that have a gradient. A parameter without one is frozen.</summary>
    /// <param name="learningRate">The rate.</param>
    /// <param name="gradients">The gradients, in the order of the parameters, which stay the caller's, but for their values, and null for
    /// those that are frozen; null for those that autograd gave the parameters, which are freed.</param>
    /// <param name="team">The workers, each of which updates its parameters; null to do it here. Where workers have the cores, Torch's
    /// threads of this one, which wait for work for some milliseconds, would take them away.</param>
    public void Step(double learningRate, Tensor?[]? gradients = null, WorkerTeam? team = null)
    {
        using var noGradients = no_grad();
        try
        {
            // In no scope, whose table would grow with them: half of what a step would allocate.
            foreach (var group in _groups)
            {
                group.TakeGradients(gradients);
            }

            _learningRate = learningRate;
            if (team is not null)
            {
                if (_clipNorm is not null)
                {
                    team.Run(_clipOnFirst);
                }

                team.Run(_stepOn);
                return;
            }

            Clip();
            foreach (var group in _groups)
            {
                Step(group);
            }
        }
        finally
        {
            foreach (var group in _groups)
            {
                group.ForgetGradients(frees: gradients is null);
            }
        }
    }

    public virtual void Dispose()
    {
        foreach (var group in _groups)
        {
            group.Dispose();
        }
    }

    /// <summary>Gets whether the weights of a group are filters; a group holds either filters or other parameters.</summary>
    protected static bool AreFilters(Tensor[] weights) => IsFilter(weights[0]);

    /// <summary>Updates the weights of one group.</summary>
    /// <param name="weights">The weights.</param>
    /// <param name="gradients">Their gradients, which may be changed.</param>
    /// <param name="slots">For each slot, its tensors.</param>
    /// <param name="rate">The learning rate, a scalar of float64.</param>
    /// <param name="decay">The weight decay, likewise.</param>
    protected abstract void Step(Tensor[] weights, Tensor[] gradients, Tensor[][] slots, Tensor rate, Tensor decay);

    private static bool IsFilter(Tensor weight) => weight.ndim == 4;

    private void Clip()
    {
        if (_clipNorm is { } norm)
        {
            using var scope = NewDisposeScope();

            // In an order that does not depend on the workers: neither does the last bit of the length then.
            GradientClipping.Apply(
                [.. _groups.SelectMany(group => group.PlacedGradients).OrderBy(each => each.Place).Select(each => each.Gradient)], norm);
        }
    }

    private void StepOn(int worker)
    {
        foreach (var group in _groups)
        {
            if (group.Worker == worker)
            {
                Step(group);
            }
        }
    }

    private void Step(Group group)
    {
        if (group.Gradients.Length == 0)
        {
            return;
        }

        using var scope = NewDisposeScope();
        using TorchSharp.Scalar rate = _learningRate * group.RateScale, decay = group.Decays ? _weightDecay : 0.0;
        group.Rate.fill_(rate);
        group.Decay.fill_(decay);
        Step(group.Weights, group.Gradients, group.Slots, group.Rate, group.Decay);
    }

    /// <summary>A tensor that is kept for each parameter: of its shape, or a scalar.</summary>
    protected readonly record struct Slot(string Name, bool IsScalar = false);

    /// <summary>Parameters with the same settings, and the tensors of those that have a gradient in this step.</summary>
    private sealed class Group : IDisposable
    {
        private readonly OptimizedParameter[] _parameters;
        private readonly int[] _places; // of the parameters, among all
        private readonly Slot[] _slotKinds;
        private readonly Tensor[][] _slots; // by slot, then parameter
        private readonly Tensor?[] _found;  // by parameter, the gradients of this step
        private int[] _ready = [];          // the parameters that have one: nearly always the same as at the step before

        public Group(int worker, double rateScale, bool decays, OptimizedParameter[] parameters, int[] places, Slot[] slots)
        {
            (Worker, RateScale, Decays) = (worker, rateScale, decays);
            _parameters = parameters;
            _places = places;
            _slotKinds = slots;
            _slots = [.. slots.Select(slot => parameters.Select(parameter => NewTensor(slot, parameter)).ToArray())];
            _found = new Tensor?[parameters.Length];
        }

        public Tensor[] Weights { get; private set; } = [];

        public Tensor[] Gradients { get; private set; } = [];

        public Tensor[][] Slots { get; private set; } = [];

        /// <summary>Gets the gradients, each with its parameter's place among all.</summary>
        public IEnumerable<(int Place, Tensor Gradient)> PlacedGradients =>
            Gradients.Select((gradient, i) => (_places[_ready[i]], gradient));

        /// <summary>Gets the worker that takes the steps.</summary>
        public int Worker { get; }

        public double RateScale { get; }

        public bool Decays { get; }

        /// <summary>Gets where the learning rate of a step is handed over.</summary>
        public Tensor Rate { get; } = TensorFactory.Number(0);

        /// <summary>Gets where the weight decay of a step is handed over.</summary>
        public Tensor Decay { get; } = TensorFactory.Number(0);

        public IEnumerable<KeyValuePair<string, Tensor>> State =>
            _slots.SelectMany((tensors, slot) =>
                tensors.Select((tensor, i) => KeyValuePair.Create($"{_parameters[i].Name}.{_slotKinds[slot].Name}", tensor)));

        public void TakeGradients(Tensor?[]? given)
        {
            var (count, same) = (0, true);
            for (var i = 0; i < _parameters.Length; i++)
            {
                _found[i] = given is null ? TakeGradient(_parameters[i].Tensor) : given[_places[i]];
                if (_found[i] is not null)
                {
                    same &= count < _ready.Length && _ready[count] == i;
                    count++;
                }
            }

            if (!same || count != _ready.Length)
            {
                _ready = [.. Enumerable.Range(0, _found.Length).Where(i => _found[i] is not null)];
                Weights = [.. _ready.Select(i => _parameters[i].Tensor)];
                Slots = [.. _slots.Select(slot => _ready.Select(i => slot[i]).ToArray())];
                Gradients = new Tensor[count];
            }

            for (var i = 0; i < count; i++)
            {
                Gradients[i] = _found[_ready[i]]!;
            }
        }

        public void ForgetGradients(bool frees)
        {
            foreach (ref var gradient in _found.AsSpan())
            {
                if (frees)
                {
                    gradient?.Dispose();
                }

                gradient = null;
            }
        }

        public void Dispose()
        {
            foreach (var tensor in State.Select(each => each.Value).Append(Rate).Append(Decay))
            {
                tensor.Dispose();
            }
        }

        private static Tensor? TakeGradient(Tensor weight)
        {
            var gradient = weight.grad;
            if (gradient is not null)
            {
                weight.grad = null;
            }

            return gradient;
        }

        // A scalar is a counter, which TorchScript reads as a number: on the CPU it need not wait for the device.
        private static Tensor NewTensor(Slot slot, OptimizedParameter parameter) => slot.IsScalar
            ? TensorFactory.OnCpu.Zeros([], ScalarType.Float32)
            : TensorFactory.ZerosLike(parameter.Tensor);
    }
}
