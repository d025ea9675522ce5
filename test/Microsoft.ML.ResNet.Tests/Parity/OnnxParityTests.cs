using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Microsoft.ML.ResNet.Onnx;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Weights;

namespace Microsoft.ML.ResNet.Tests.Parity;

public sealed class OnnxParityTests
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
        using var golden = new GoldenNetworks();
        var expected = golden[name];
        var plan = LayerPlan.Create(ResNetArchitecture.Parse(name), new ImageShape(3, 64, 64), 1000);
        Assert.Equal(expected.GetProperty("parameters").GetInt64(), plan.ParameterCount);
        var weights = GoldenNetworks.Weights(plan);
        var preprocessing = new ImagePreprocessing(plan.Input, [0, 0, 0], [1, 1, 1]);
        var model = OnnxGraphWriter.Featurizer(new ResNetModel(plan, weights, preprocessing), OnnxElementType.Float, "x", "features", []);
        var file = new byte[model.CalculateSize()]; // half a gigabyte for the widest networks: nothing that grows
        model.WriteTo(new MemoryStream(file));
        using var session = new InferenceSession(file);
        var input = GoldenNetworks.Input(2 * plan.Input.Size);
        var scale = expected.GetProperty("logits_std").GetDouble();

        for (var image = 0; image < 2; image++)
        {
            var logits = Logits(session, plan, weights, input.AsMemory(image * plan.Input.Size, plan.Input.Size));

            Assert.Equal(expected.GetProperty("argmax")[image].GetInt32(), Array.IndexOf(logits, logits.Max()));
            for (var i = 0; i < 8; i++)
            {
                Assert.Equal(expected.GetProperty("logits_first8")[image][i].GetDouble(), logits[i], tolerance: 1e-3 * scale);
            }
        }
    }

    private static float[] Logits(InferenceSession session, LayerPlan plan, ResNetWeights weights, Memory<float> image)
    {
        using var outputs = session.Run(
            [NamedOnnxValue.CreateFromTensor("x", new DenseTensor<float>(image, [1, 3, plan.Input.Height, plan.Input.Width]))]);
        var features = outputs[0].AsEnumerable<float>().ToArray();
        var (matrix, bias) = (weights["fc.weight"].Values, weights["fc.bias"].Values);
        return [.. Enumerable.Range(0, plan.ClassCount).Select(row =>
            System.Numerics.Tensors.TensorPrimitives.Dot<float>(matrix.Span.Slice(row * features.Length, features.Length), features)
                + bias.Span[row])];
    }
}
