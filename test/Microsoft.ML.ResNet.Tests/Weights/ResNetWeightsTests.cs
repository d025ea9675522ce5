namespace Microsoft.ML.ResNet.Tests.Weights;

public sealed class ResNetWeightsTests
{
    private static readonly LayerPlan Plan = LayerPlan.Create(ResNetArchitecture.ResNet20, new ImageShape(3, 32, 32), 10);

    [Fact]
    public void InitializesAsHeEtAlDo()
    {
        var weights = ResNetWeights.Initialize(Plan, seed: 1);

        // layer3.2.conv2: 64 × 64 × 3 × 3, so a variance of 2 / (64 · 9).
        var values = weights["layer3.2.conv2.weight"].Values.ToArray();
        Assert.Equal(0, values.Average(), tolerance: 0.002);
        Assert.Equal(Math.Sqrt(2.0 / (64 * 9)), Math.Sqrt(values.Average(value => value * value)), tolerance: 0.001);
        Assert.All(weights["fc.weight"].Values.ToArray(), value => Assert.InRange(value, -1f / 8, 1f / 8));
        Assert.All(weights["bn1.weight"].Values.ToArray(), value => Assert.Equal(1, value));
        Assert.All(weights["bn1.running_var"].Values.ToArray(), value => Assert.Equal(1, value));
        Assert.All(weights["bn1.bias"].Values.ToArray(), value => Assert.Equal(0, value));
        Assert.All(weights["fc.bias"].Values.ToArray(), value => Assert.Equal(0, value));
    }

    [Fact]
    public void TheSeedDecidesEveryValue()
    {
        static float[] Values(int seed) => [.. ResNetWeights.Initialize(Plan, seed).Tensors.SelectMany(tensor => tensor.Values.ToArray())];

        Assert.Equal(Values(7), Values(7));
        Assert.NotEqual(Values(7), Values(8));
    }

    [Fact]
    public void PreprocessingIsSaidAndAllElseKept()
    {
        var weights = new ResNetWeights(ResNetWeights.Initialize(Plan, seed: 1).Tensors)
        {
            Preprocessing = ImagePreprocessing.Cifar10,
            ClassNames = ["a", "b"],
            ArchitectureName = "resnet20",
        };

        var said = weights.WithPreprocessing(ImagePreprocessing.ImageNetV1);

        Assert.Same(ImagePreprocessing.ImageNetV1, said.Preprocessing);
        Assert.Same(ImagePreprocessing.Cifar10, weights.Preprocessing);
        Assert.Equal(weights.Tensors.AsEnumerable(), said.Tensors.AsEnumerable());
        Assert.Equal(["a", "b"], said.ClassNames.AsEnumerable());
        Assert.Equal("resnet20", said.ArchitectureName);
        Assert.Throws<ArgumentNullException>(() => weights.WithPreprocessing(null!));
    }

    [Fact]
    public void ImagesAreResizedToTheInputItsBorderAndWhatIsAveraged()
    {
        Assert.Equal((256, 256), ImagePreprocessing.ImageNetV1.ResizeTo);
        var preprocessing = ImagePreprocessing.Cifar10 with { Input = new ImageShape(3, 20, 30), CropBorder = 2, Supersampling = 3 };
        Assert.Equal((72, 102), preprocessing.ResizeTo);
    }

    [Fact]
    public void NamesWhatIsMissing() => Assert.Contains(
        "'conv9.weight'", Assert.Throws<KeyNotFoundException>(() => ResNetWeights.Initialize(Plan, 1)["conv9.weight"]).Message);

    [Fact]
    public void RefusesValuesThatDoNotFillTheShape() =>
        Assert.Contains(
            "[2, 3], which is 6 values, but 5",
            Assert.Throws<ArgumentException>(() => new WeightTensor("fc.weight", [2, 3], new float[5])).Message);
}
