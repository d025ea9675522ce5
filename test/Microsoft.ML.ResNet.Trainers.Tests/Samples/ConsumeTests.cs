using System.Globalization;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Trainers.Tests.Samples;

public sealed class ConsumeTests
{
    [Theory]
    [InlineData(null)]
    [InlineData(0.1)]
    public void AProcessWithoutThisLibraryAndWithoutTorchGivesTheSameScores(double? rejectUnknown)
    {
        using var folder = new TemporaryFolder();
        Pictures.Write(folder["images"], perClass: 4, height: 20, width: 24);
        var ml = new MLContext(seed: 1);
        var files = ml.Data.LoadImageFolder(folder["images"]);
        var pipeline = ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(ml.Transforms.LoadImages("Image", null, "ImagePath"))
            .Append(ml.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
            {
                Architecture = TrainingData.Tiny,
                InputShape = TrainingData.Shape,
                Epochs = 2,
                BatchSize = 8,
                ValidationFraction = 0.25,
                RejectUnknown = rejectUnknown,
            }))
            .Append(ml.Transforms.Conversion.MapKeyToValue("PredictedLabelText", "PredictedLabel"));
        using var model = pipeline.Fit(files);
        ml.Model.Save(model, files.Schema, folder["model.zip"]);
        var scored = model.Transform(files);
        var paths = scored.GetColumn<string>("ImagePath").ToArray();
        var expected = scored.GetColumn<float[]>("Score").ToArray();

        var (exitCode, output, error) = SampleProcess.RunSample("Consume", [folder["model.zip"], .. paths]);

        Assert.Equal((0, ""), (exitCode, error));
        var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(paths.Length, lines.Length);
        for (var i = 0; i < lines.Length; i++)
        {
            var fields = lines[i].TrimEnd().Split('\t');
            Assert.Equal(paths[i], fields[0]);
            Assert.Equal(expected[i], fields[2].Split(' ').Select(score => float.Parse(score.Split('=')[1], CultureInfo.InvariantCulture)));
        }

        Assert.Empty(Directory.EnumerateFiles(SampleProcess.Folder("Consume"), "*Torch*"));
        Assert.Empty(Directory.EnumerateFiles(SampleProcess.Folder("Consume"), "Microsoft.ML.ResNet*"));
    }

    [Fact]
    public void SaysWhatCannotBeLoaded()
    {
        var (exitCode, _, error) = SampleProcess.RunSample("Consume", "no-such-model.zip", "x.png");

        Assert.Equal(1, exitCode);
        Assert.StartsWith("Model 'no-such-model.zip' cannot be loaded", error);
    }
}
