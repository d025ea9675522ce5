using System.Buffers.Binary;
using System.Text.Json;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Tests.Weights;

public sealed class SaveTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void WhatIsSavedLoadsBitForBit()
    {
        float[] odd = [float.NaN, float.PositiveInfinity, -0f, float.Epsilon, float.MaxValue];
        var weights = new ResNetWeights([.. WeightsAssert.Small().Tensors, new WeightTensor("odd", [5], odd),
            new WeightTensor("scalar", [], new float[1]), new WeightTensor("empty", [0], default)]);

        weights.Save(_folder["weights"]);

        WeightsAssert.Same(weights, ResNetWeights.Load(_folder["weights"]));
    }

    [Fact]
    public void PreprocessingClassNamesAndTheNetworksNameAreKept()
    {
        var weights = new ResNetWeights(WeightsAssert.Small().Tensors)
        {
            Preprocessing = new ImagePreprocessing(new ImageShape(3, 32, 48), [125.3f, 123, 113.9f], [63, 62.1f, 66.7f])
            {
                Supersampling = 2,
                CropBorder = 3,
            },
            ClassNames = ["cat", "\"dog\"", "Füchse 🦊"],
            ArchitectureName = "plain20",
        };

        weights.Save(_folder["weights"]);
        var loaded = ResNetWeights.Load(_folder["weights"]);

        Assert.Equal(weights.ClassNames.AsEnumerable(), loaded.ClassNames);
        WeightsAssert.Same(weights.Preprocessing, loaded.Preprocessing);
        Assert.Equal("plain20", loaded.ArchitectureName);
    }

    [Theory]
    [InlineData("")]
    [InlineData(
        "a text of more than two hundred characters: "
        + "........................................................................................"
        + "........................................................................................")]
    public void WhatOthersCallAnArchitectureIsNoReasonToRefuseAFile(string text)
    {
        File.WriteAllBytes(_folder["weights"], SafetensorsText.File(
            $"{{\"__metadata__\":{{\"architecture\":\"{text}\"}},\"w\":{{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}}}",
            dataLength: 8));

        Assert.Null(ResNetWeights.Load(_folder["weights"]).ArchitectureName);
    }

    [Fact]
    public void TheHeaderIsAsTheFormatWantsIt()
    {
        WeightsAssert.Small().Save(_folder["weights"]);
        var file = File.ReadAllBytes(_folder["weights"]);
        var length = (int)BinaryPrimitives.ReadInt64LittleEndian(file);
        using var header = JsonDocument.Parse(file.AsMemory(8, length));

        Assert.Equal(0, length % 8);
        Assert.Equal("""{"format":"pt"}""", header.RootElement.GetProperty("__metadata__").GetRawText());
        Assert.Equal(
            """{"dtype":"F32","shape":[4,3,3,3],"data_offsets":[0,432]}""", header.RootElement.GetProperty("conv1.weight").GetRawText());
        Assert.Equal(file.Length - 8 - length, header.RootElement.GetProperty("fc.bias").GetProperty("data_offsets")[1].GetInt32());
    }

    [Fact]
    public void AnExistingFileIsReplacedAndNothingElseIsLeft()
    {
        WeightsAssert.Small(seed: 1).Save(_folder["weights"]);
        WeightsAssert.Small(seed: 2).Save(_folder["weights"]);

        WeightsAssert.Same(WeightsAssert.Small(seed: 2), ResNetWeights.Load(_folder["weights"]));
        Assert.Single(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void AFileThatCannotBeReplacedIsLeftAlone()
    {
        Directory.CreateDirectory(_folder["weights/inside"]);

        Assert.ThrowsAny<Exception>(() => WeightsAssert.Small().Save(_folder["weights"]));

        Assert.Empty(Directory.GetFiles(_folder.Path));
        Assert.True(Directory.Exists(_folder["weights/inside"]));
    }

    [Fact]
    public void TheNameOfTheMetadataIsRefused()
    {
        var weights = new ResNetWeights([new WeightTensor("__metadata__", [1], new float[1])]);

        Assert.Throws<InvalidOperationException>(() => weights.Save(_folder["weights"]));
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }
}
