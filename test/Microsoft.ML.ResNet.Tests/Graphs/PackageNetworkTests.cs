using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Microsoft.ML.ResNet.Onnx;
using Microsoft.ML.ResNet.Weights;

namespace Microsoft.ML.ResNet.Tests.Graphs;

/// <summary>ResNet-18 as Microsoft.ML.DnnImageFeaturizer.ResNet18 has it: two files, written by CNTK and by TLC.</summary>
public sealed class PackageNetworkTests
{
    private static readonly Lazy<ResNetWeights> Network = new(() => ResNetWeights.Load(Files().Network)); // 64 MB

    [SkippableFact]
    public void ItsFeaturesAreThoseOfOnnxRuntime()
    {
        var (network, preprocess) = Files();
        var weights = Network.Value.WithPreprocessingFile(preprocess);
        var plan = LayerPlan.Create(weights.Architecture!, weights.Preprocessing!.Input, 1);
        var pixels = GraphAssert.Pixels(plan.Input, 255);

        var expected = Run(File.ReadAllBytes(network), Run(File.ReadAllBytes(preprocess), pixels));

        var model = new ResNetModel(plan, weights.For(plan, strict: false), weights.Preprocessing);
        var actual = Run(
            GraphAssert.Bytes(OnnxGraphWriter.Featurizer(model, OnnxElementType.Float, "x", "y", [], anyBatch: true)), pixels);
        var spread = expected.Max() - expected.Min();
        Assert.Equal(512, actual.Length);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, tolerance: 1e-4 * spread));
    }

    [SkippableFact]
    public void ItIsRecognized()
    {
        var (_, preprocess) = Files();

        var weights = Network.Value;

        Assert.Equal("resnet18 with 2, 2, 2, 3 blocks", weights.ArchitectureName);
        Assert.Equal([2, 2, 2, 3], weights.Architecture!.Depths.AsEnumerable());
        Assert.Equal(
            ResNetArchitecture.ResNet18 with { Name = "", Depths = [] }, weights.Architecture with { Name = "", Depths = [] });
        Assert.Null(weights.Preprocessing);
        var preprocessing = weights.WithPreprocessingFile(preprocess).Preprocessing!;
        Assert.Equal(new ImageShape(3, 224, 224), preprocessing.Input);
        Assert.Equal(3 * 224 * 224, preprocessing.Mean.Length);
        Assert.Equal([1f, 1f, 1f], preprocessing.StandardDeviation.AsEnumerable());
        Assert.InRange(preprocessing.Mean[..(224 * 224)].Average(), 120, 128); // red: ImageNet's mean is 123.7
        Assert.InRange(preprocessing.Mean[^(224 * 224)..].Average(), 100, 108); // blue: 103.9
    }

    [SkippableFact]
    public void ItIsFoundByItsName()
    {
        var (network, _) = Files();
        var program = Path.GetDirectoryName(Path.GetDirectoryName(Path.GetDirectoryName(network)))!;

        var weights = PretrainedWeights.Find("ResNet18", program, cacheFolder: Path.GetTempPath());

        Assert.Equal("resnet18 with 2, 2, 2, 3 blocks", weights.Architecture!.Name);
        Assert.Equal(new ImageShape(3, 224, 224), weights.Preprocessing!.Input);
    }

    [SkippableFact]
    public void ANetworkIsNoPreprocessing()
    {
        var (network, _) = Files();

        var message = Assert.Throws<InvalidDataException>(() => Network.Value.WithPreprocessingFile(network)).Message;

        Assert.Contains("is no ONNX model of preprocessing", message);
        Assert.Contains("node 'Convolution249' (Conv) follows the preprocessing", message);
    }

    // Where restoring the solution has put it; the sample TransferLearning refers to it.
    private static (string Network, string Preprocess) Files()
    {
        var packages = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        var package = Path.Combine(packages, "microsoft.ml.dnnimagefeaturizer.resnet18");
        var version = Directory.Exists(package) ? Directory.GetDirectories(package).Max(StringComparer.Ordinal) : null;
        Skip.If(version is null, "Microsoft.ML.DnnImageFeaturizer.ResNet18 is not among NuGet's packages here");
        var models = Path.Combine(version, "tools", "DnnImageModels");
        return (Path.Combine(models, "ResNet18Onnx", "ResNet18.onnx"), Path.Combine(models, "ResNetPrepOnnx", "ResNetPreprocess.onnx"));
    }

    private static float[] Run(byte[] file, float[] pixels)
    {
        using var session = new InferenceSession(file);
        using var outputs = session.Run(
            [NamedOnnxValue.CreateFromTensor(session.InputMetadata.Keys.Single(), new DenseTensor<float>(pixels, [1, 3, 224, 224]))]);
        return [.. outputs[0].AsEnumerable<float>()];
    }
}
