using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Samples.Tests.Cli;

/// <summary>What the library calls an option, the tool calls by the name that was typed.</summary>
public sealed class OptionNamesTests
{
    [Theory]
    [InlineData("Option Epochs must be at least 1, or null.", "Option --epochs must be at least 1, or null.")]
    [InlineData("Give validation data, or set ValidationFraction above 0.", "Give validation data, or set --validation above 0.")]
    [InlineData("MaxDuration of 00:10:00 was over after step 7 of 9.", "--max-minutes of 00:10:00 was over after step 7 of 9.")]
    [InlineData("Momentum of the training recipe must be below 1.", "Momentum of the training recipe must be below 1.")]
    [InlineData("Image 'Epochs/Seed.png' cannot be read.", "Image 'Epochs/Seed.png' cannot be read.")]
    [InlineData("'resnet50' is not there: download them once, with ResNetWeights.Download(\"resnet50.imagenet1k_v2\").",
        "'resnet50' is not there: name them in full as --weights, which downloads them once (\"resnet50.imagenet1k_v2\").")]
    public void PropertiesBecomeOptions(string said, string typed) => Assert.Equal(typed, global::Cli.OptionNames.InPlaceOfApi(said));

    [Fact]
    public void TheOptionThatDecidesIsToldByTheExceptionNotByItsWords()
    {
        var exception = new InvalidOperationException("It cannot.") { Data = { ["Option"] = "Resume" } };

        Assert.Equal("It cannot. To train a finished model for more epochs, give --more-epochs.", global::Cli.OptionNames.Of(exception));
        Assert.Equal("It cannot.", global::Cli.OptionNames.Of(new InvalidOperationException("It cannot.")));
    }

    [Fact]
    public void SentencesThatAreReplacedAreStillTheLibrarys()
    {
        var sources = Directory.EnumerateFiles(Path.Combine(Repository.Root, "src"), "*.cs", SearchOption.AllDirectories)
            .Select(File.ReadAllText).ToArray();

        Assert.NotEmpty(global::Cli.OptionNames.Phrases);
        Assert.All(global::Cli.OptionNames.Phrases, phrase =>
            Assert.Contains(sources, source => source.Contains(phrase.Words, StringComparison.Ordinal)));
    }
}
