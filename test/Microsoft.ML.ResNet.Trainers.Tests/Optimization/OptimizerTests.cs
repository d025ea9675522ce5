using Microsoft.ML.ResNet.Trainers.Optimization;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Tests.Optimization;

/// <summary>Each optimizer against its formula, written out in double.</summary>
public sealed class OptimizerTests
{
    private const int Steps = 4;

    public OptimizerTests() => TorchRuntime.Initialize();

    private delegate double Update(double weight, double gradient, double rate, double decay, int step, Slots slots);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void SgdInPyTorchsForm(bool nesterov) => Check(
        parameters => new SgdOptimizer(parameters, momentum: 0.9, nesterov, MomentumForm.PyTorch, weightDecay: 0.01),
        (weight, gradient, rate, decay, _, slots) =>
        {
            gradient += decay * weight;
            slots.First = 0.9 * slots.First + gradient;
            return weight - rate * (nesterov ? gradient + 0.9 * slots.First : slots.First);
        });

    [Fact]
    public void SgdInCaffesForm() => Check(
        parameters => new SgdOptimizer(parameters, momentum: 0.9, nesterov: false, MomentumForm.Caffe, weightDecay: 0.01),
        (weight, gradient, rate, decay, _, slots) =>
        {
            slots.First = 0.9 * slots.First + rate * (gradient + decay * weight);
            return weight - slots.First;
        });

    [Fact]
    public void AdamW() => Check(
        parameters => new AdamOptimizer(parameters, trustRatio: false, momentum: 0.9, beta2: 0.99, weightDecay: 0.01),
        (weight, gradient, rate, decay, step, slots) => weight - rate * AdamUpdate(weight, gradient, decay, step, slots));

    [Fact]
    public void LambScalesEachTensorByItsTrustRatio()
    {
        using var scope = NewDisposeScope();
        var (weight, zero) = (tensor(new float[] { 3, 4 }).requires_grad_(), zeros(2).requires_grad_());
        using var optimizer = new AdamOptimizer([new("a", weight, 1, Decays: true), new("b", zero, 1, Decays: true)], trustRatio: true,
            momentum: 0.9, beta2: 0.99, weightDecay: 0);

        (weight.sum() + zero.sum()).backward();
        optimizer.Step(0.1);

        // The first update of Adam is the gradient's sign, of length √2; |w| = 5. A tensor of zeros has a ratio of 1.
        var change = 0.1 * 5 / Math.Sqrt(2);
        Assert.Equal(
            [3 - change, 4 - change],
            weight.detach().data<float>().ToArray().Select(value => (double)value),
            (expected, actual) => Math.Abs(expected - actual) < 1e-5);
        Assert.All(zero.detach().data<float>().ToArray(), value => Assert.Equal(-0.1f, value, tolerance: 1e-6f));
    }

    /// <summary>Two steps, written out; of a matrix of length 5, and of a vector, which takes the steps of SGD in Caffe's form.</summary>
    [Fact]
    public void LarsScalesEachMatrixByItsTrustRatio()
    {
        const double rate = 2, decay = 0.1, momentum = 0.9;
        using var scope = NewDisposeScope();
        var matrix = tensor(new float[] { 3, 4 }).view(1, 2).detach().requires_grad_();
        var vector = tensor(new float[] { 3, 4 }).requires_grad_();
        using var optimizer = new LarsOptimizer(
            [new("a", matrix, 1, Decays: true), new("b", vector, 1, Decays: true)], momentum, weightDecay: decay);
        double[] expectedMatrix = [3, 4], expectedVector = [3, 4], velocity = [0, 0], plain = [0, 0];
        for (var step = 0; step < 2; step++)
        {
            (matrix.sum() + vector.sum()).backward();
            optimizer.Step(rate);

            var length = Math.Sqrt(expectedMatrix.Sum(weight => weight * weight));
            var trust = 0.001 * length / (Math.Sqrt(2) + decay * length);
            for (var i = 0; i < 2; i++)
            {
                velocity[i] = momentum * velocity[i] + rate * trust * (1 + decay * expectedMatrix[i]);
                expectedMatrix[i] -= velocity[i];
                plain[i] = momentum * plain[i] + rate * (1 + decay * expectedVector[i]);
                expectedVector[i] -= plain[i];
            }
        }

        AssertNear(expectedMatrix, matrix);
        AssertNear(expectedVector, vector);

        static void AssertNear(double[] expected, Tensor actual) => Assert.Equal(
            expected,
            actual.detach().data<float>().ToArray().Select(value => (double)value),
            (one, other) => Math.Abs(one - other) < 1e-5);
    }

    [Theory]
    [InlineData(4, 2, 3)] // wider than high
    [InlineData(8, 3, 1)] // higher than wide
    public void MuonStepsAlongTheOrthogonalMatrixNearestToTheVelocity(int outputs, int inputs, int kernel)
    {
        const double rate = 0.1, filterScale = 0.5, decay = 0.01, momentum = 0.9;
        using var scope = NewDisposeScope();
        // channels-last
        var filters = randn([outputs, kernel, kernel, inputs], generator: new Generator(3)).permute(0, 3, 1, 2).detach().requires_grad_();
        var (goal, start) = (randn([outputs, inputs, kernel, kernel], generator: new Generator(4)), filters.detach().clone());
        using var optimizer = new MuonOptimizer(
            [new("a", filters, 1, Decays: true)], filterScale, keepLength: false, momentum, nesterov: true, MomentumForm.PyTorch, decay);

        (filters - goal).square().sum().backward();
        using var velocity = filters.grad!.clone();
        optimizer.Step(rate);

        // At the first step g + momentum·v is a multiple of g, and the length does not count.
        var step = (start * (1 - rate * decay) - filters.detach()) / (rate * filterScale);
        var (u, _, v) = linalg.svd(velocity.flatten(1).to_type(ScalarType.Float64), fullMatrices: false);
        var nearest = u.matmul(v);
        var singular = linalg.svdvals(step.flatten(1)).data<float>().ToArray();
        Assert.All(singular, value => Assert.InRange(value, 0.3f, 1.3f)); // three steps of the iteration, not its limit
        var cosine =
            (nearest * step.flatten(1)).sum().item<double>() / (nearest.norm() * step.norm().to_type(ScalarType.Float64)).item<double>();
        Assert.True(cosine > 0.95, $"{cosine}");
        Assert.Null(filters.grad);
    }

    [Fact]
    public void MuonTurnsFiltersThatKeepTheirLength()
    {
        const double rate = 0.1;
        using var scope = NewDisposeScope();
        var filters = (5 * randn([4, 3, 3, 3], generator: new Generator(3))).detach().requires_grad_();
        var start = filters.detach().clone();
        using var optimizer = new MuonOptimizer([new("a", filters, 1, Decays: true)], filterRate: 1, keepLength: true, momentum: 0.9,
            nesterov: true, MomentumForm.PyTorch, weightDecay: 10);

        filters.sum().backward();
        optimizer.Step(rate);

        // From a length of √4, whatever they had, by a step no longer than the rate times the
        // length of an orthogonal matrix; decay does nothing.
        var step = filters.detach() - start * (2 / start.norm());
        Assert.InRange(step.norm().item<float>(), 0.3 * rate, 1.3 * rate); // the gradient has one singular value
    }

    [Fact]
    public void WhatIsNoFilterTakesTheStepsOfSgdWithMuon()
    {
        Assert.Equal(Run(
            parameters => new SgdOptimizer(parameters, momentum: 0.9, nesterov: true, MomentumForm.PyTorch, weightDecay: 0.01)),
            Run(parameters => new MuonOptimizer(
                parameters, filterRate: 0.2, keepLength: false, momentum: 0.9, nesterov: true, MomentumForm.PyTorch, weightDecay: 0.01)));

        static float[] Run(Func<OptimizedParameter[], Optimizer> make)
        {
            using var scope = NewDisposeScope();
            var (filters, matrix) = (ones(2, 2, 1, 1).requires_grad_(), arange(6, ScalarType.Float32).reshape(2, 3).requires_grad_());
            using var optimizer = make([new("a", filters, 1, Decays: true), new("b", matrix, 1, Decays: true)]);
            for (var step = 0; step < Steps; step++)
            {
                (filters.square().sum() + matrix.square().sum()).backward();
                optimizer.Step(0.1);
            }

            return matrix.detach().data<float>().ToArray();
        }
    }

    [Fact]
    public void TheTwoFormsOfMomentumDifferOnlyAfterADrop()
    {
        var (pytorch, caffe) = (Run(MomentumForm.PyTorch, [0.1, 0.1, 0.1]), Run(MomentumForm.Caffe, [0.1, 0.1, 0.1]));
        Assert.Equal(pytorch, caffe, tolerance: 1e-6f);

        // At the drop, Caffe's velocity is still that of the old rate.
        Assert.True(Run(MomentumForm.Caffe, [0.1, 0.1, 0.01]) < Run(MomentumForm.PyTorch, [0.1, 0.1, 0.01]) - 1e-3f);

        static float Run(MomentumForm form, double[] rates)
        {
            using var scope = NewDisposeScope();
            var weight = ones(1).requires_grad_();
            using var optimizer = new SgdOptimizer(
                [new("w", weight, 1, Decays: true)], momentum: 0.9, nesterov: false, form, weightDecay: 0);
            foreach (var rate in rates)
            {
                weight.sum().backward();
                optimizer.Step(rate);
            }

            return weight.item<float>();
        }
    }

    [Theory]
    [InlineData(2.5, 0.5)] // the gradients' length is 5
    [InlineData(50, 1)]
    public void ClippingCutsTheWholeGradientAndNeverLengthensIt(double longest, float scale)
    {
        using var scope = NewDisposeScope();
        Tensor[] gradients = [tensor(new float[] { 3 }), tensor(new float[] { 0, 4 })];

        GradientClipping.Apply(gradients, longest);

        Assert.Equal(
            [3 * scale, 0, 4 * scale],
            gradients.SelectMany(gradient => gradient.data<float>().ToArray()),
            (expected, actual) => Math.Abs(expected - actual) < 1e-5);
    }

    [Fact]
    public void AParameterWithoutAGradientStays()
    {
        using var scope = NewDisposeScope();
        var (trained, frozen) = (ones(2).requires_grad_(), ones(2).requires_grad_());
        using var optimizer = new SgdOptimizer([new("a", trained, 1, Decays: true), new("b", frozen, 1, Decays: true)], momentum: 0.9,
            nesterov: false, MomentumForm.PyTorch, weightDecay: 0.5);

        trained.sum().backward();
        optimizer.Step(0.1);

        Assert.All(frozen.detach().data<float>().ToArray(), value => Assert.Equal(1f, value));
        Assert.All(trained.detach().data<float>().ToArray(), value => Assert.NotEqual(1f, value));
        Assert.Null(trained.grad);
    }

    // Two tensors: channels-last and decayed; at half of the rate and not decayed.
    private static void Check(Func<OptimizedParameter[], Optimizer> make, Update update)
    {
        const double rate = 0.1, decay = 0.01;
        using var scope = NewDisposeScope();
        Tensor[] weights =
        [
            arange(24, ScalarType.Float32).reshape(2, 2, 3, 2).permute(0, 3, 1, 2).requires_grad_(),
            arange(3, ScalarType.Float32).requires_grad_(),
        ];
        var expected = weights
            .Select(weight => weight.detach().contiguous().data<float>().ToArray().Select(value => (double)value).ToArray())
            .ToArray();
        var slots = expected.Select(values => values.Select(_ => new Slots()).ToArray()).ToArray();
        using var optimizer = make([new("a", weights[0], RateScale: 1, Decays: true), new("b", weights[1], RateScale: 0.5, Decays: false)]);

        for (var step = 1; step <= Steps; step++)
        {
            // The gradient of Σ w² / 2 is w.
            (weights[0].square().sum() / 2 + weights[1].square().sum() / 2).backward();
            optimizer.Step(rate);
            for (var i = 0; i < expected.Length; i++)
            {
                for (var j = 0; j < expected[i].Length; j++)
                {
                    expected[i][j] = update(
                        expected[i][j], expected[i][j], i == 0 ? rate : rate / 2, i == 0 ? decay : 0, step, slots[i][j]);
                }
            }
        }

        for (var i = 0; i < expected.Length; i++)
        {
            Assert.Null(weights[i].grad);
            Assert.All(
                weights[i].detach().contiguous().data<float>().ToArray().Zip(expected[i]),
                pair => Assert.Equal(pair.Second, pair.First, tolerance: 1e-4));
        }
    }

    private static double AdamUpdate(double weight, double gradient, double decay, int step, Slots slots)
    {
        slots.First = 0.9 * slots.First + 0.1 * gradient;
        slots.Second = 0.99 * slots.Second + 0.01 * gradient * gradient;
        return slots.First / (1 - Math.Pow(0.9, step)) / (Math.Sqrt(slots.Second / (1 - Math.Pow(0.99, step))) + 1e-8) + decay * weight;
    }

    private sealed class Slots
    {
        public double First { get; set; }

        public double Second { get; set; }
    }
}
