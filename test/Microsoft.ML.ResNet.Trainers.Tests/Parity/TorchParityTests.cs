using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Trainers.Networks;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Trainers.Tests.Parity;

public sealed class TorchParityTests
{
    [SkippableTheory]
    [InlineData("resnet18")]
    [InlineData("resnet34")]
    [InlineData("resnet50")]
    [InlineData("resnet101")]
    [InlineData("resnet152")]
    [InlineData("resnext50_32x4d")]
    [InlineData("resnext101_32x8d")]
    [InlineData("wide_resnet50_2")]
    [InlineData("wide_resnet101_2")]
    public void GivesTheGoldenLogitsOfTorchvision(string name)
    {
        TorchRuntime.Initialize();
        using var golden = new GoldenNetworks();
        var expected = golden[name];
        var plan = LayerPlan.Create(ResNetArchitecture.Parse(name), new ImageShape(3, 64, 64), 1000);
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        using var network = new ResidualNetwork(plan, GoldenNetworks.Weights(plan), TrainingPrecision.Float32);
        var images = tensor(GoldenNetworks.Input(2 * plan.Input.Size), [2, 3, 64, 64]).permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);

        var logits = network.Forward(images, training: false);

        var scale = expected.GetProperty("logits_std").GetDouble();
        for (var image = 0; image < 2; image++)
        {
            var actual = logits[image].data<float>().ToArray();
            Assert.Equal(expected.GetProperty("argmax")[image].GetInt32(), Array.IndexOf(actual, actual.Max()));
            for (var i = 0; i < 8; i++)
            {
                Assert.Equal(expected.GetProperty("logits_first8")[image][i].GetDouble(), actual[i], tolerance: 1e-3 * scale);
            }
        }
    }
}
