using static Microsoft.ML.ResNet.Samples.Tests.Cli.CliFixture;

namespace Microsoft.ML.ResNet.Samples.Tests.Cli;

public sealed class InspectTests(CliFixture fixture) : IClassFixture<CliFixture>
{
    [Fact]
    public void JsonTellsWhatIsInTheFile()
    {
        var result = Resnet("inspect", fixture.ModelZip, "--json").Succeeded().Json;

        var plan = LayerPlan.Create(ResNetArchitecture.Plain20, new ImageShape(3, 16, 16), 3);
        Assert.Equal("plain20", result.GetProperty("architecture").GetString());
        Assert.Equal(["resnet20", "plain20"], result.GetProperty("candidates").EnumerateArray().Select(each => each.GetString()));
        Assert.Equal(
            (3, 16),
            (result.GetProperty("input").GetProperty("channels").GetInt32(), result.GetProperty("input").GetProperty("height").GetInt32()));
        Assert.Equal(ClassNames, result.GetProperty("classNames").EnumerateArray().Select(each => each.GetString()));
        Assert.Equal(
            (plan.ParameterCount, plan.MultiplyAdds),
            (result.GetProperty("parameters").GetInt64(), result.GetProperty("multiplyAdds").GetInt64()));
        Assert.Equal(
            plan.MultiplyAdds, result.GetProperty("layers").EnumerateArray().Sum(layer => layer.GetProperty("multiplyAdds").GetInt64()));
        Assert.Equal(
            [100, 110, 120], result.GetProperty("preprocessing").GetProperty("mean").EnumerateArray().Select(each => each.GetInt32()));

        var tensor = result.GetProperty("tensors").EnumerateArray().Single(each => each.GetProperty("name").GetString() == "conv1.weight");
        var values = Untrained["conv1.weight"].Values.ToArray();
        Assert.Equal([16, 3, 3, 3], tensor.GetProperty("shape").EnumerateArray().Select(each => each.GetInt32()));
        Assert.Equal((values.Min(), values.Max()), (tensor.GetProperty("min").GetSingle(), tensor.GetProperty("max").GetSingle()));
        Assert.Equal(values.Average(value => (double)value), tensor.GetProperty("mean").GetDouble(), tolerance: 1e-9);
    }

    [Fact]
    public void TextHasLayersAndTensorsWhereAskedFor()
    {
        var lines = Resnet("inspect", fixture.Safetensors, "--layers", "--weights").Succeeded().Lines;

        Assert.Contains("architecture\tplain20", lines);
        Assert.Contains("preprocessing\tresized to 16×16, border 0, supersampling 1, mean 100/110/120, deviation 60/61/62", lines);
        Assert.Contains("layer1.0.conv1\t3×3 convolution\t16×16×16\t2,304\t589,824", lines);
        Assert.Contains(lines, line => line.StartsWith("fc.weight\t3×64\t", StringComparison.Ordinal));
    }

    [Fact]
    public void AModelThatWasNotTrainedHereHasNoCardAndThatIsSaid()
    {
        var text = Resnet("inspect", fixture.ModelZip, "--card").Succeeded();
        var json = Resnet("inspect", fixture.ModelZip, "--card", "--json").Succeeded();

        Assert.Equal("", text.Output);
        Assert.Contains("has no model card", Assert.Single(text.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
        Assert.Equal("null", json.Output.Trim());
    }

    [Fact]
    public void WeightsThatFitSeveralNetworksAreTakenAsTheFirstAndThatIsSaid()
    {
        new ResNetWeights(Untrained.Tensors) { Preprocessing = Untrained.Preprocessing }.Save(fixture.File("silent.safetensors"));

        var result = Resnet("export", fixture.File("silent.safetensors"), "-o", fixture.File("silent.onnx")).Succeeded();

        Assert.Contains("has the tensors of resnet20 and plain20", result.Error);
        Assert.Contains("taken as resnet20", result.Error);
    }

    [Fact]
    public void AFileOfNoKnownNetworkIsListedAllTheSame()
    {
        new ResNetWeights([new WeightTensor("a", [2], new float[] { 1, float.NaN })]).Save(fixture.File("other.safetensors"));

        var result = Resnet("inspect", fixture.File("other.safetensors"), "--json").Succeeded().Json;

        Assert.Equal(System.Text.Json.JsonValueKind.Null, result.GetProperty("architecture").ValueKind);
        Assert.Equal("NaN", Assert.Single(result.GetProperty("tensors").EnumerateArray()).GetProperty("max").GetString());
    }

    [Fact]
    public void AFileThatHoldsNoWeightsIsRefusedInALine()
    {
        File.WriteAllText(fixture.File("page.pth"), "<html>");

        var result = Resnet("inspect", fixture.File("page.pth"));

        Assert.Equal(1, result.ExitCode);
        Assert.Contains(
            "holds no weights that can be read", Assert.Single(result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
    }
}
