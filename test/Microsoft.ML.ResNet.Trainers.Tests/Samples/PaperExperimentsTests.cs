using System.Globalization;
using Microsoft.ML.ResNet.TestSupport;
using PaperExperiments;

namespace Microsoft.ML.ResNet.Trainers.Tests.Samples;

public sealed class PaperExperimentsTests
{
    private static IEnumerable<PaperNetwork> Networks => PaperTables.ImageNet.Concat(PaperTables.Cifar10);

    [Fact]
    public void VerifyFindsThatEveryFigureAgrees()
    {
        var (exitCode, output, error) = SampleProcess.RunSample("PaperExperiments", "verify");

        Assert.Equal((0, ""), (exitCode, error));
        Assert.All(Networks, network => Assert.Contains($" {network.Architecture} ", output));
        Assert.Matches(@"parameters\s+19,421,274\s+19\.4·10\^6\s+yes", output);
        Assert.Matches(@"multiply-adds\s+3,857,973,248\s+3\.8·10\^9\s+yes", output);
        Assert.Matches(@"output sizes\s+112 56 28 14 7\s+112 56 28 14 7\s+yes", output);
        Assert.Contains("90 of 90 figures agree with the paper.", output);
        Assert.DoesNotContain("NO", output);
        Assert.DoesNotContain('\u001b', output);
    }

    [Fact]
    public void AComparisonTrainsWritesItsTableAndTakesWhatIsThere()
    {
        using var folder = new TemporaryFolder();
        WriteImages(folder["data"]);
        string[] arguments = ["--data", folder["data"], "--output", folder["out"], "--steps", "2"];

        var (exitCode, output, error) = SampleProcess.RunSample("PaperExperiments", ["shortcuts", .. arguments]);

        Assert.True(exitCode == 0, error + output);
        var table = File.ReadAllText(folder["out/shortcuts.md"]);
        Assert.Matches(@"\| resnet20-A-2 \| [\d,]+ \| [\d.]+ % \| [\d.]+ % \|", table);
        Assert.Contains("resnet20-C-2", table);
        Assert.True(File.Exists(folder["out/shortcuts.png"]) && File.Exists(folder["out/networks/resnet20-B-2/report.html"]));

        // Nothing is trained again: no epoch is reported.
        (exitCode, output, error) = SampleProcess.RunSample("PaperExperiments", ["shortcuts", .. arguments]);
        Assert.True(exitCode == 0, error + output);
        Assert.DoesNotContain("epoch", output);
        Assert.Equal(table, File.ReadAllText(folder["out/shortcuts.md"]));
    }

    [Fact]
    public void ARecipeMayComeFromAFile()
    {
        using var folder = new TemporaryFolder();
        WriteImages(folder["data"]);
        File.WriteAllText(folder["mine.json"], (TrainingRecipe.Fast with { Epochs = 2, BatchSize = 16 }).ToJson());

        var (exitCode, output, error) = SampleProcess.RunSample("PaperExperiments", "train", "--network", "plain20", "--recipe",
            folder["mine.json"], "--data", folder["data"], "--output", folder["out"]);

        Assert.True(exitCode == 0, error + output);
        Assert.True(File.Exists(folder["out/networks/plain20-mine/weights.safetensors"]));
        Assert.Equal(2, TrainingHistory.LoadJson(folder["out/networks/plain20-mine/log/history.json"]).Epochs.Length);
    }

    [Fact]
    public void SaysOnStandardErrorThatThereIsNoSuchCommand()
    {
        var (exitCode, _, error) = SampleProcess.RunSample("PaperExperiments", "verifi");

        Assert.Equal(1, exitCode);
        Assert.Contains("verifi", error);
    }

    [Fact]
    public void TheTablesHoldTheLibrarysNetworksOfThePaper()
    {
        var expected = ResNetArchitecture.All.Where(each =>
            // later papers have the others
            each is { Groups: 1, WidthPerGroup: 64, SqueezeReduction: 0, IsPreActivation: false, Stem: not StemKind.Deep }
            && !(each.IsBottleneck && each.BottleneckStride == BottleneckStride.Middle)
            && each != ResNetArchitecture.Plain1202 && each != ResNetArchitecture.WideResNet8_4 && each != ResNetArchitecture.ResNet9);

        Assert.Equal(expected.Select(each => each.Name).Order(), Networks.Select(network => network.Architecture.Name).Order());
    }

    // A check that finds no fault in these would find none at all.
    [Fact]
    public void VerificationTellsAWrongNetworkByWhatDiffers()
    {
        AssertDiffers(ResNetArchitecture.ResNet50V1, ResNetArchitecture.ResNet50, "layers of each", "filters of each", "multiply-adds");
        AssertDiffers(ResNetArchitecture.ResNet152V1, ResNetArchitecture.ResNet152, "layers of each", "filters of each", "multiply-adds");
        AssertDiffers(ResNetArchitecture.ResNet34, ResNetArchitecture.ResNet34 with { Depths = [3, 4, 7, 3] }, "layers", "layers of each",
            "multiply-adds");
        AssertDiffers(ResNetArchitecture.ResNet18, ResNetArchitecture.ResNet18 with { BaseWidth = 32 }, "filters of each", "multiply-adds");
        AssertDiffers(ResNetArchitecture.ResNet20, ResNetArchitecture.ResNet20 with { Shortcut = ShortcutKind.C }, "parameters");
        AssertDiffers(ResNetArchitecture.ResNet20, ResNetArchitecture.ResNet20 with { Depths = [3, 3, 3, 1] }, "layers", "output sizes",
            "layers of each", "filters of each", "parameters");
        Assert.All(Networks, network => AssertDiffers(network.Architecture, network.Architecture));
    }

    [Theory]
    [InlineData(269_722, "0.27", 6, true)]
    [InlineData(279_999, "0.27", 6, true)]
    [InlineData(280_000, "0.27", 6, false)]
    [InlineData(260_000, "0.27", 6, false)]
    [InlineData(19_421_274, "19.4", 6, true)]
    [InlineData(3_857_973_248, "3.8", 9, true)]  // cut
    [InlineData(7_570_194_432, "7.6", 9, true)]  // rounded
    [InlineData(4_089_184_256, "3.8", 9, false)]
    public void ACountAgreesWithAFigureUpToAUnitOfItsLastDigit(long count, string printed, int exponent, bool agrees) =>
        Assert.Equal(agrees, Figure.Rounded("count", count, decimal.Parse(printed, CultureInfo.InvariantCulture), exponent).Agrees);

    private static void AssertDiffers(ResNetArchitecture printed, ResNetArchitecture computed, params string[] expected)
    {
        var network = Networks.Single(each => each.Architecture == printed) with { Architecture = computed };

        Assert.Equal(expected, Verification.Of(network).Where(figure => !figure.Agrees).Select(figure => figure.Name));
    }

    // The folders are CIFAR-10's, the images are not.
    private static void WriteImages(string folder)
    {
        var random = new Random(1);
        foreach (var (part, count) in ((string, int)[])[("train", 6), ("test", 2)])
        {
            foreach (var (label, name) in Cifar10.ClassNames.Index())
            {
                var classFolder = Directory.CreateDirectory(Path.Combine(folder, part, name)).FullName;
                for (var i = 0; i < count; i++)
                {
                    using var image = Pictures.ToImage(Pictures.Draw(label % 3, 32, 32, 3, random), 32, 32);
                    image.Save(Path.Combine(classFolder, $"{i}.png"));
                }
            }
        }
    }
}
