using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Trainers.Tests.Samples;

public sealed class TransferLearningSampleTests
{
    [Fact]
    public void FineTunesASavedModelOnAnotherFolder()
    {
        using var folder = new TemporaryFolder();
        Pictures.Write(folder["three"], perClass: 10, height: 16, width: 16, seed: 1);
        Pictures.Write(folder["two"], perClass: 10, height: 16, width: 16, seed: 2, classes: 2);
        var ml = new MLContext(seed: 1);
        using (var model = ml.MulticlassClassification.Trainers.ResNet(
            new ResNetTrainer.Options { Architecture = ResNetArchitecture.Plain20, InputShape = TrainingData.Shape, Epochs = 1 })
            .Fit(TrainingData.Images(ml, folder["three"])))
        {
            ml.Model.Save(model, null, folder["model.zip"]);
        }

        var (exitCode, output, error) = SampleProcess.RunSample(
            "TransferLearning", "--weights", folder["model.zip"], "--arch", "plain20", "--data", folder["two"], "--layers", "Head",
            "--epochs", "3", "--model", folder["tuned.zip"]);

        Assert.True(exitCode == 0, error + output);
        Assert.Matches(@"tells\s+3\s+classes\s+apart,\s+the\s+folder\s+has\s+2", output); // wrapped where there is no terminal
        Assert.Contains("After: accuracy", output);
        Assert.DoesNotContain("recall before", output); // there is none
        Assert.True(File.Exists(folder["tuned.zip"]));
    }

    [Fact]
    public void SaysWhichNetworkACheckpointFits()
    {
        using var folder = new TemporaryFolder();
        Pictures.Write(folder["two"], perClass: 4, height: 16, width: 16, classes: 2);
        ResNetWeights.Initialize(LayerPlan.Create(ResNetArchitecture.ResNet32, new ImageShape(3, 32, 32), 2), seed: 1)
            .Save(folder["weights"]);

        var (exitCode, _, error) = SampleProcess.RunSample(
            "TransferLearning", "--weights", folder["weights"], "--arch", "resnet20", "--data", folder["two"]);

        Assert.Equal(1, exitCode);
        Assert.Contains("They fit resnet32", error);
    }
}
