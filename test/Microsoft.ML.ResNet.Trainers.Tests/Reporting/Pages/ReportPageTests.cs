using System.Collections.Immutable;
using System.Text;
using AngleSharp.Dom;
using AngleSharp.Html.Dom;
using Microsoft.ML.ResNet.Trainers.Reporting.Measures;
using Microsoft.ML.ResNet.Trainers.Reporting.Pages;

namespace Microsoft.ML.ResNet.Trainers.Tests.Reporting.Pages;

public sealed class ReportPageTests
{
    private const string Hostile = "<script>alert('x')</script> & \"quotes\" <img src=http://example.com/x.png onerror=alert(1)>";

    private static readonly TrainingHistory History = new()
    {
        Seed = 11,
        TrainingImages = 900,
        ValidationImages = 100,
        SkippedImages = 2,
        ReadingTime = TimeSpan.FromSeconds(2),
        Temperature = 1.375,
        Epochs =
        [
            .. Enumerable.Range(1, 3).Select(epoch =>
                new EpochResult(epoch, 0.1, 2.0 / epoch, 0.25 * epoch, 3.0 / epoch, 0.2 * epoch, TimeSpan.FromSeconds(30), 1234)
                {
                    AugmentationTime = TimeSpan.FromSeconds(10), ValidationTime = TimeSpan.FromSeconds(3),
                }),
        ],
    };

    [Fact]
    public void The_numbers_are_on_the_page()
    {
        var page = Render(Report(classes: 3));

        Assert.Equal("My network", page.Title);
        var results = page.GetElementById("results")!.TextContent;
        Assert.Contains("66.67 %", results, StringComparison.Ordinal);               // accuracy: 6 of 9
        Assert.Contains("95 %: 35.42 to 87.94", results, StringComparison.Ordinal);
        Assert.Contains("2 rows", results, StringComparison.Ordinal);

        var training = page.GetElementById("training")!.TextContent;
        Assert.All(
            ["269,722", "40.55 M", "3×32×32", "900", "100", "1 min 32 s", "11", "1.38", "train --long"],
            text => Assert.Contains(text, training, StringComparison.Ordinal));

        Assert.Equal(["2", "1", "0"], page.QuerySelectorAll(".matrix tbody tr:first-child td").Select(cell => cell.TextContent));
        Assert.Equal(3, page.QuerySelectorAll("#classes tbody tr").Length);
        Assert.Equal(
            ["class 0 → class 1", "class 1 → class 2", "class 2 → class 0"],
            page.QuerySelectorAll("#confusion .scroll:last-child tbody th").Select(cell => cell.TextContent));

        var time = page.GetElementById("time")!.TextContent;
        Assert.All(["2 s", "30 s", "1 min 21 s", "9 s", "500", "90", "33"], text => Assert.Contains(text, time, StringComparison.Ordinal));
    }

    [Fact]
    public void Charts_are_drawn_for_light_and_for_dark()
    {
        var figures = Render(Report(classes: 3)).QuerySelectorAll("figure");

        Assert.Equal(4, figures.Length);           // loss, accuracy, learning rate, reliability
        Assert.All(figures, figure =>
        {
            var (light, dark) = (Svg(figure.QuerySelector("img.light")!), Svg(figure.QuerySelector("img.dark")!));
            Assert.StartsWith("<svg", light, StringComparison.Ordinal);
            Assert.Contains("viewBox", light, StringComparison.Ordinal);
            Assert.NotEqual(light, dark);
        });
    }

    [Fact]
    public void The_model_card_is_folded_and_comes_last()
    {
        var page = Render(Report(classes: 3));

        Assert.Equal("card", page.QuerySelectorAll("main section").Last().Id);
        Assert.False(page.QuerySelector("#card details")!.HasAttribute("open"));
        Assert.Contains("resnet20", page.QuerySelector("#card details dl")!.TextContent, StringComparison.Ordinal);
    }

    [Fact]
    public void A_long_recipe_is_folded()
    {
        var text = string.Join('\n', Enumerable.Repeat("line", 30));

        Assert.Equal(text, Render(Report(classes: 3) with { Recipe = text }).QuerySelector("#training details pre")!.TextContent);
        Assert.Null(Render(Report(classes: 3)).QuerySelector("#training details pre"));
    }

    [Fact]
    public void Curves_are_large_enough_to_read()
    {
        var image = Render(Report(classes: 3)).QuerySelector("#training figure img")!;

        Assert.True(int.Parse(image.GetAttribute("width")!, System.Globalization.CultureInfo.InvariantCulture) >= 400);
        Assert.DoesNotMatch("font-size:\\s*([0-9]|1[0-3])(\\.[0-9]+)?px", Svg(image));
    }

    [Fact]
    public void What_users_wrote_stays_text()
    {
        var report = Report(classes: 3);
        var page = Render(report with
        {
            Title = Hostile,
            Recipe = Hostile,
            Classes = [.. report.Classes.Select(each => each with { Name = Hostile })],
            WorstMistakes = [report.WorstMistakes[0] with { Path = "/data/\0<b>/" + "<i>.png" }],
            History = History with { StoppedEarly = Hostile },
        });

        Assert.Equal(Hostile, page.Title);
        Assert.Equal(Hostile, page.QuerySelector("h1")!.TextContent);
        Assert.Equal(Hostile, page.QuerySelector("pre")!.TextContent);
        Assert.Contains(Hostile, page.QuerySelector(".warning")!.TextContent, StringComparison.Ordinal);
        Assert.All(page.QuerySelectorAll(".matrix tbody th"), cell => Assert.Equal(Hostile, cell.TextContent));
        Assert.Contains("\ufffd<b>/<i>.png", page.QuerySelector(".mistakes .file")!.TextContent, StringComparison.Ordinal);
        Assert.Empty(page.QuerySelectorAll("b, i, script"));
    }

    [Fact]
    public void A_mistake_shows_its_file_but_not_the_whole_path()
    {
        var item = Render(Report(classes: 3)).QuerySelector(".mistakes li")!;

        Assert.Equal("class 1 that was taken for class 2", item.QuerySelector("img")!.GetAttribute("alt"));
        Assert.Equal("98.70 % sure, owl/7.png", item.QuerySelector(".file")!.TextContent);
        Assert.Contains("taken for class 2", item.TextContent, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_picture_or_a_path_a_mistake_is_still_told()
    {
        var report = Report(classes: 3);
        var item = Render(report with { WorstMistakes = [report.WorstMistakes[0] with { Path = null, Thumbnail = null }] }).QuerySelector(
            ".mistakes li")!;

        Assert.Empty(item.QuerySelectorAll("img"));
        Assert.Equal("98.70 % sure", item.QuerySelector(".file")!.TextContent);
    }

    [Fact]
    public void A_mistake_shows_where_the_network_looked()
    {
        var report = Report(classes: 3);
        var (predicted, own) = (
            Thumbnail.OfPlanar<byte>([9, 8, 7], new ImageShape(3, 1, 1), 16),
            Thumbnail.OfPlanar<byte>([4, 5, 6], new ImageShape(3, 1, 1), 16));
        var page = Render(report with { WorstMistakes = [report.WorstMistakes[0] with { HeatMaps = new HeatMaps(predicted, own) }] });

        var pictures = page.QuerySelectorAll(".mistakes img");
        Assert.Equal(
            ["class 1 that was taken for class 2", "Where the network saw class 2", "Where the network saw class 1"],
            pictures.Select(picture => picture.GetAttribute("alt")));
        Assert.Equal(
            [predicted.Bytes, own.Bytes],
            pictures.Skip(1).Select(picture => Convert.FromBase64String(picture.GetAttribute("src")!["data:image/png;base64,".Length..])));
        Assert.Equal("owl/7.png", page.QuerySelector(".mistakes .file")!.TextContent);
        Assert.Equal(
            ["class 2 98.70 %", "class 1 1.00 %"], page.QuerySelectorAll(".mistakes .pictures p").Select(caption => caption.TextContent));
        Assert.Contains("Grad-CAM", page.GetElementById("mistakes")!.TextContent, StringComparison.Ordinal);
        Assert.DoesNotContain("Grad-CAM", Render(report).GetElementById("mistakes")!.TextContent, StringComparison.Ordinal);
    }

    [Fact]
    public void Views_are_compared_in_a_table()
    {
        var report = Report(classes: 3);
        var page = Render(report with
        {
            Views =
            [
                new ViewResult("single view", 1, new Proportion(6, 9), 0.5),
                new ViewResult("10-crop", 10, new Proportion(7, 9), 0.4567),
            ],
        });

        Assert.Equal(
            ["Single view|1|66.67 %|0.5000", "10-crop|10|77.78 %|0.4567"],
            page.QuerySelectorAll("#views tbody tr").Select(row => string.Join('|', row.Children.Select(cell => cell.TextContent))));
        Assert.Null(Render(report).GetElementById("views"));
    }

    [Fact]
    public void Responses_are_drawn_and_listed_by_layer()
    {
        var report = Report(classes: 3);
        LayerResponse[] layers =
        [
            new LayerResponse("conv1", 1, 1.25), new LayerResponse("layer1.0.conv1", 2, 0.5), new LayerResponse("layer1.0.conv2", 3, 0.75),
        ];
        var page = Render(report with { Responses = new ResponseResult(500, [.. layers]) });

        var section = page.GetElementById("responses")!;
        Assert.Contains("500 test images", section.TextContent, StringComparison.Ordinal);
        Assert.Equal(
            "Standard deviations of 3 layers, from 0.500 (layer 2) to 1.250 (layer 1).", section.QuerySelector("img")!.GetAttribute("alt"));
        Assert.Equal(
            ["1|conv1|1.250", "2|layer1.0.conv1|0.500", "3|layer1.0.conv2|0.750"],
            section.QuerySelectorAll("tbody tr").Select(row => string.Join('|', row.Children.Select(cell => cell.TextContent))));
        Assert.Contains("standard deviation", Svg(section.QuerySelector("img.dark")!), StringComparison.Ordinal);
        Assert.Null(Render(report).GetElementById("responses"));
    }

    [Fact]
    public void Runs_to_compare_with_are_drawn_beside_this_one()
    {
        var report = Report(classes: 3) with { ComparedRuns = [("plain", History)] };

        var figure = Render(report).QuerySelector("#training .wide figure")!;
        Assert.All(
            ["My network", "plain"], name => Assert.Contains($">{name}<", Svg(figure.QuerySelector("img")!), StringComparison.Ordinal));
        Assert.Equal(
            "Error in training and validation. In the end: My network 40.00 %, plain 40.00 %.",
            figure.QuerySelector("img")!.GetAttribute("alt"));

        // One that was not trained here has no curve of its own.
        var foreign = Render(report with { History = new TrainingHistory() }).QuerySelector("#training .wide img")!;
        Assert.DoesNotContain("My network", Svg(foreign), StringComparison.Ordinal);
        Assert.Empty(Render(report with { ComparedRuns = [] }).QuerySelectorAll("#training .wide"));
    }

    [Theory]
    [InlineData(20, true, false)]
    [InlineData(21, false, true)]
    [InlineData(1000, false, true)]
    [InlineData(1001, false, false)]
    public void Many_classes_are_shown_as_a_map_and_even_more_by_their_pairs(int classes, bool matrix, bool map)
    {
        var page = Render(Report(classes));

        Assert.Equal(matrix, page.QuerySelector(".matrix") is not null);
        Assert.Equal(map, page.QuerySelector(".map img") is not null);
        Assert.Equal(10, page.QuerySelectorAll("#confusion .scroll:last-child tbody tr").Length);
        Assert.Equal(classes, page.QuerySelectorAll("#classes tbody tr").Length);
    }

    [Fact]
    public void A_network_that_was_not_trained_here_has_no_curves()
    {
        var page = Render(Report(classes: 3) with { History = new TrainingHistory() });

        Assert.Empty(page.QuerySelectorAll("#training figure, #time"));
        Assert.Contains("not trained here", page.GetElementById("training")!.TextContent, StringComparison.Ordinal);
    }

    [Fact]
    public void Training_without_validation_or_measured_times_is_shown()
    {
        var page = Render(Report(classes: 3) with
        {
            History = new TrainingHistory
            {
                TrainingImages = 10,
                Epochs = [new EpochResult(1, 0.1, 2, 0.5, null, null, TimeSpan.FromSeconds(1), 10)],
            },
        });

        Assert.Equal(["Training steps"], page.QuerySelectorAll("#time tbody th").Select(cell => cell.TextContent));
        Assert.Contains("–", page.QuerySelector("#training tbody tr")!.TextContent, StringComparison.Ordinal);
    }

    [Fact]
    public void A_loss_that_is_no_number_leaves_a_gap_in_its_curve()
    {
        var page = Render(Report(classes: 3) with
        {
            History = History with
            {
                Epochs = [.. History.Epochs.Select((epoch, index) => index switch
                {
                    1 => epoch with { ValidationLoss = double.NaN },
                    2 => epoch with { ValidationLoss = double.PositiveInfinity },
                    _ => epoch,
                })],
            },
        });

        var svg = Svg(page.QuerySelector("figure img")!);
        // the axis still reaches the training loss of the first epoch
        Assert.Contains(">2<", svg, StringComparison.Ordinal);
        Assert.DoesNotContain("NaN", svg, StringComparison.Ordinal);
        Assert.DoesNotContain("Infinity", svg, StringComparison.Ordinal);
        Assert.DoesNotContain("∞", svg, StringComparison.Ordinal);
    }

    [Fact]
    public void A_network_without_mistakes_says_so()
    {
        var report = Report(classes: 3);
        var page = Render(report with
        {
            Accuracy = new Proportion(9, 9), Confusions = [], WorstMistakes = [], UnlabeledRows = 0,
            Classes = [.. report.Classes.Select(each => each with { Predicted = 3, Correct = 3 })],
        });

        Assert.Contains("No image was classified wrong", page.GetElementById("confusion")!.TextContent, StringComparison.Ordinal);
        Assert.Null(page.GetElementById("mistakes"));
    }

    [Fact]
    public void With_a_temperature_the_diagrams_before_and_after_are_shown()
    {
        var report = Report(classes: 3);
        var page = Render(
            report with { Temperature = 2.1234, CalibrationAtTemperature = report.Calibration with { ExpectedCalibrationError = 0.0123 } });

        Assert.Equal(2, page.QuerySelectorAll("#calibration figure").Length);
        Assert.Contains("At temperature 2.12", page.GetElementById("calibration")!.TextContent, StringComparison.Ordinal);
        Assert.Contains("1.23 % at temperature 2.12", page.GetElementById("results")!.TextContent, StringComparison.Ordinal);
    }

    [Fact]
    public void Slow_augmentation_is_pointed_out()
    {
        var slow = History with { Epochs = [.. History.Epochs.Select(epoch => epoch with { AugmentationTime = epoch.Duration })] };

        Assert.Null(Render(Report(classes: 3)).QuerySelector("#time .warning"));
        Assert.NotNull(Render(Report(classes: 3) with { History = slow }).QuerySelector("#time .warning"));
    }

    // Three images of each class; the third is taken for the next class.
    private static ClassificationReport Report(int classes)
    {
        ImmutableArray<string> names = [.. Enumerable.Range(0, classes).Select(index => $"class {index}")];
        var (counts, calibration) = (new ConfusionCounts(names), new CalibrationMeter());
        var scores = new float[classes];
        for (var i = 0; i < 3 * classes; i++)
        {
            var (label, predicted) = (i / 3, i % 3 < 2 ? i / 3 : (i / 3 + 1) % classes);
            Array.Clear(scores);
            (scores[label], scores[predicted]) = (0.1f, 0.9f);
            counts.Add(label, predicted);
            calibration.Add(scores, label, predicted);
        }

        return new ClassificationReport
        {
            Title = "My network",
            Recipe = "train --long",
            Architecture = "resnet20",
            Parameters = 269_722,
            MultiplyAdds = 40_551_040,
            Input = new ImageShape(3, 32, 32),
            History = History,
            Card = new ModelCard { Network = "resnet20", ClassNames = names },
            UnlabeledRows = 2,
            Accuracy = new Proportion(counts.Correct, counts.Total),
            TopFive = null,
            MacroAccuracy = 2.0 / 3,
            Classes = counts.ToClasses(),
            Confusions = counts.ToConfusions(),
            WorstMistakes = [new Mistake(
                5, 1, 2, 0.987f, 0.01f, "/home/somebody/data/owl/7.png", Thumbnail.OfPlanar<byte>([1, 2, 3], new ImageShape(3, 1, 1), 16))],
            LabelIssues = null,
            Rejection = null,
            Calibration = calibration.ToResult(),
            CalibrationAtTemperature = null,
            Temperature = null,
            ComparedRuns = [],
            Views = [],
            Responses = null,
        };
    }

    private static string Svg(IElement image) =>
        Encoding.UTF8.GetString(Convert.FromBase64String(image.GetAttribute("src")!["data:image/svg+xml;base64,".Length..]));

    private static IHtmlDocument Render(ClassificationReport report)
    {
        using var stream = new MemoryStream();
        Html.Write(ReportPage.Create(report), stream);
        return Page.Parse(Encoding.UTF8.GetString(stream.ToArray()));
    }
}
