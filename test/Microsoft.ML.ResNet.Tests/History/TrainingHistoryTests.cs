using Microsoft.ML.ResNet.TestSupport;

namespace Microsoft.ML.ResNet.Tests.History;

public sealed class TrainingHistoryTests : IDisposable
{
    private static readonly TrainingHistory History = new()
    {
        Epochs =
        [
            new EpochResult(1, 0.1, 1.0 / 3, 0.5, null, null, TimeSpan.FromTicks(123456789), 1234.5)
            {
                Step = 79,
                AugmentationTime = TimeSpan.FromTicks(1),
            },
            new EpochResult(2, 1e-7, 0.25, 1, double.NaN, 0.875, TimeSpan.FromSeconds(2), 1e3)
            {
                Step = 158,
                ValidationTime = TimeSpan.FromSeconds(0.5),
            },
        ],
        Seed = -7,
        TrainingImages = 45_000,
        ValidationImages = 5_000,
        SkippedImages = 3,
        ReadingTime = TimeSpan.FromSeconds(2.5),
        Temperature = 1.625,
        Conditions = new TrainingConditions
        {
            Network = "resnet20",
            Recipe = "{\n  \"Epochs\": 3\n}".ReplaceLineEndings(),
            TrainingImagesByClass = [1, 2],
            Versions = new Dictionary<string, string> { [".NET"] = "10.0" },
            Started = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
            Duration = TimeSpan.FromSeconds(7),
        },
        StoppedEarly = "The loss of step 200 is not a number — \"NaN\".",
    };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_history_written_as_JSON_is_read_back_as_it_was()
    {
        History.SaveJson(_folder["history.json"]);
        var read = TrainingHistory.LoadJson(_folder["history.json"]);

        Assert.Equal(History.Epochs.AsEnumerable(), read.Epochs);
        Assert.Equal(History with { Epochs = read.Epochs }, read);
        Assert.Equal(["history.json"], Directory.GetFiles(_folder.Path).Select(Path.GetFileName));
    }

    [Fact]
    public void The_recipe_stands_in_the_file_as_JSON_and_not_as_a_text()
    {
        History.SaveJson(_folder["history.json"]);

        using var file = System.Text.Json.JsonDocument.Parse(File.ReadAllBytes(_folder["history.json"]));
        Assert.Equal(3, file.RootElement.GetProperty("conditions").GetProperty("recipe").GetProperty("Epochs").GetInt32());
    }

    [Fact]
    public void The_history_of_a_network_that_was_not_trained_is_read_back_empty()
    {
        new TrainingHistory().SaveJson(_folder["history.json"]);

        Assert.Empty(TrainingHistory.LoadJson(_folder["history.json"]).Epochs);
    }

    [Fact]
    public void What_an_older_file_lacks_has_its_default()
    {
        File.WriteAllText(_folder["history.json"], """{"epochs": [], "seed": 5}""");
        var read = TrainingHistory.LoadJson(_folder["history.json"]);

        Assert.Equal(new TrainingHistory { Seed = 5 } with { Epochs = read.Epochs }, read);
        Assert.Equal(1, read.Temperature);
        Assert.Null(read.Conditions);
    }

    [Fact]
    public void The_table_has_a_line_for_each_epoch_and_is_written_in_no_culture()
    {
        History.SaveCsv(_folder["history.csv"]);

        Assert.Equal(
            "epoch,step,learning_rate,loss,accuracy,validation_loss,validation_accuracy,duration,"
            + "images_per_second,augmentation_time,validation_time\n"
            + """
            1,79,0.1,0.3333333333333333,0.5,,,12.3456789,1234.5,1E-07,0
            2,158,1E-07,0.25,1,NaN,0.875,2,1000,0,0.5

            """.ReplaceLineEndings("\n"),
            File.ReadAllText(_folder["history.csv"]));
    }

    [Fact]
    public void A_file_that_exists_is_replaced()
    {
        File.WriteAllText(_folder["history.json"], "not a history");
        History.SaveJson(_folder["history.json"]);

        Assert.Equal(2, TrainingHistory.LoadJson(_folder["history.json"]).Epochs.Length);
    }

    [Theory]
    [InlineData("", "JSON")]
    [InlineData("null", "no epochs")]
    [InlineData("{}", "epochs")]
    [InlineData("""{"epochs": [{"epoch": 1}]}""", "learningRate")]
    [InlineData("""{"epochs": null}""", "epochs")]
    [InlineData("""{"epochs": [null]}""", "no epochs")]
    [InlineData("""{"epochs": [{"epoch": "first"}]}""", "epochs[0]")]
    [InlineData("""{"epochs": [{"epoch": 1, "duration": "a while"}]}""", "duration")]
    public void A_file_that_is_no_history_is_refused_by_name(string text, string reason)
    {
        File.WriteAllText(_folder["history.json"], text);
        var exception = Assert.Throws<InvalidDataException>(() => TrainingHistory.LoadJson(_folder["history.json"]));

        Assert.Contains(_folder["history.json"], exception.Message, StringComparison.Ordinal);
        Assert.Contains(reason, exception.Message, StringComparison.Ordinal);
    }
}
