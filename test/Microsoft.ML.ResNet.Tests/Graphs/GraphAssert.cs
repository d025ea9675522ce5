using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Microsoft.ML.ResNet.Onnx;
using Microsoft.ML.ResNet.Tests.Weights;
using Microsoft.ML.ResNet.Weights;

namespace Microsoft.ML.ResNet.Tests.Graphs;

/// <summary>Compares what ONNX Runtime makes of a file with what the network makes that was recognized in it.</summary>
internal static class GraphAssert
{
    /// <summary>Of the spread of the outputs.</summary>
    private const double Tolerance = 1e-4;

    /// <summary>Gets a file's bytes.</summary>
    public static byte[] Bytes(OnnxModel model)
    {
        using var file = new MemoryStream();
        model.WriteTo(file);
        return file.ToArray();
    }

    /// <summary>Reads a file by its graph, and checks that the network found computes what the file does.</summary>
    /// <param name="file">The file.</param>
    /// <param name="plan">A network with the input and the number of classes of the file.</param>
    /// <param name="inputScale">Input values are up to this.</param>
    /// <param name="isChannelsLast">Whether the file reads [batch, height, width, channels].</param>
    public static ResNetWeights ComputesTheSame(byte[] file, LayerPlan plan, float inputScale = 1, bool isChannelsLast = false)
    {
        var weights = WeightsAssert.Read(file);
        var own = LayerPlan.Create(weights.Architecture!, plan.Input, plan.ClassCount);
        var hasHead = weights.TryGet("fc.weight", out _);
        var preprocessing = weights.Preprocessing ?? Identity(plan.Input);
        var (height, width) = preprocessing.ResizeTo;
        var size = new ImageShape(plan.Input.Channels, height, width);
        var pixels = Pixels(size, inputScale);
        var network = new ResNetModel(own, weights.For(own, strict: hasHead), preprocessing);
        var ours = hasHead
            ? OnnxGraphWriter.Classifier(network, OnnxElementType.Float, new OnnxExportOptions { Softmax = false }, [])
            : OnnxGraphWriter.Featurizer(network, OnnxElementType.Float, "pixels", "features", [], anyBatch: true);
        var expected = isChannelsLast
            ? Run(file, ChannelsLast(pixels, size), [1, height, width, size.Channels])
            : Run(file, pixels, [1, size.Channels, height, width]);

        var actual = Run(Bytes(ours), pixels, [1, size.Channels, height, width]);

        var spread = expected.Max() - expected.Min();
        Assert.True(spread > 0, "the outputs are all the same, which shows nothing");
        Assert.Equal(expected.Length, actual.Length);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, tolerance: Tolerance * spread));
        return weights;
    }

    public static ImagePreprocessing Identity(ImageShape input) =>
        new(input, [.. new float[input.Channels]], [.. Enumerable.Repeat(1f, input.Channels)]);

    /// <summary>Gets values that differ in every pixel, from 0 to a scale.</summary>
    public static float[] Pixels(ImageShape size, float scale) =>
        [.. Enumerable.Range(0, size.Size).Select(i => scale * (0.5f + 0.5f * MathF.Sin(0.7f * i + 0.001f * i * (i % 13))))];

    private static float[] Run(byte[] file, float[] pixels, int[] shape)
    {
        using var session = new InferenceSession(file);
        var name = session.InputMetadata.Keys.Single();
        using var outputs = session.Run([NamedOnnxValue.CreateFromTensor(name, new DenseTensor<float>(pixels, shape))]);
        return [.. outputs[0].AsEnumerable<float>()];
    }

    private static float[] ChannelsLast(float[] pixels, ImageShape size)
    {
        var (area, turned) = (size.Height * size.Width, new float[pixels.Length]);
        for (var i = 0; i < pixels.Length; i++)
        {
            turned[i % area * size.Channels + i / area] = pixels[i];
        }

        return turned;
    }
}
