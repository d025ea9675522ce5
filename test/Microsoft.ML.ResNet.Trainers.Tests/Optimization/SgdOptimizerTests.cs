using Microsoft.ML.ResNet.Trainers.Optimization;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Tests.Optimization;

public sealed class SgdOptimizerTests
{
    public SgdOptimizerTests() => TorchRuntime.Initialize();

    [Fact]
    public void FollowsTheFormulaForChannelsLastTensorsToo()
    {
        const double rate = 0.1, momentum = 0.9, decay = 0.01;
        using var scope = NewDisposeScope();
        Tensor[] weights =
        [
            arange(24, ScalarType.Float32).reshape(2, 2, 3, 2).permute(0, 3, 1, 2).requires_grad_(), // channels-last
            arange(3, ScalarType.Float32).requires_grad_(),
        ];
        var expected = weights.Select(weight => weight.detach().contiguous().data<float>().ToArray().Select(value => (double)value).ToArray()).ToArray();
        var velocities = expected.Select(values => new double[values.Length]).ToArray();
        using var optimizer = new SgdOptimizer(weights, [1, 0.5], momentum, decay);

        for (var step = 0; step < 3; step++)
        {
            // The gradient of Σ w² / 2 is w.
            (weights[0].square().sum() / 2 + weights[1].square().sum() / 2).backward();
            optimizer.Step(rate);
            for (var i = 0; i < expected.Length; i++)
            {
                for (var j = 0; j < expected[i].Length; j++)
                {
                    velocities[i][j] = momentum * velocities[i][j] + expected[i][j] + decay * expected[i][j];
                    expected[i][j] -= rate * (i == 0 ? 1 : 0.5) * velocities[i][j];
                }
            }
        }

        for (var i = 0; i < expected.Length; i++)
        {
            Assert.Null(weights[i].grad);
            Assert.All(weights[i].detach().contiguous().data<float>().ToArray().Zip(expected[i]), pair => Assert.Equal(pair.Second, pair.First, tolerance: 1e-4));
        }
    }
}
