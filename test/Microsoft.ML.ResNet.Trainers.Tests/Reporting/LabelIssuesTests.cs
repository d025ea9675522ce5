using Microsoft.ML.Data;
using Microsoft.ML.ResNet.TestSupport;
using Microsoft.ML.ResNet.Trainers.Tests.Reporting.Pages;

namespace Microsoft.ML.ResNet.Trainers.Tests.Reporting;

public sealed class LabelIssuesTests : IDisposable
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Labels_that_were_turned_are_found_and_the_right_ones_suggested()
    {
        var (rows, turned) = Clouds(perClass: 100, turnedOf: 20);

        var found = _ml.MulticlassClassification.FindLabelIssues(View(rows));

        Assert.Equal(300, found.ImageCount);
        Assert.InRange(found.Accuracy, 0.93, 0.96); // 285 of 300 labels are right
        Assert.Equal(15, turned.Count);
        var hits = found.Issues.Where(issue => turned.ContainsKey(issue.Row)).ToArray();
        Assert.InRange(hits.Length, 12, 15);
        Assert.InRange(found.Issues.Length, hits.Length, hits.Length + 2);
        Assert.All(hits, issue =>
        {
            Assert.Equal(turned[issue.Row], issue.Suggested);
            Assert.Equal(rows[issue.Row].Name, issue.Label);
            Assert.Equal(rows[issue.Row].ImagePath, issue.Path);
        });
        Assert.Equal(found.Issues.OrderByDescending(issue => issue.Margin), found.Issues);
        Assert.All(found.Issues, issue => Assert.InRange(issue.Margin, float.Epsilon, 1));
    }

    [Fact]
    public void Rows_without_a_label_are_passed_over_but_counted()
    {
        var (rows, turned) = Clouds(perClass: 40, turnedOf: 40);
        Row[] withGap = [.. rows[..10], new Row { Name = "", Features = [0, 0, 0] }, .. rows[10..]];
        var view = View(withGap, keys: rows);

        var found = _ml.MulticlassClassification.FindLabelIssues(view);

        Assert.Equal(rows.Length, found.ImageCount);
        Assert.Equal(
            turned.Keys.Select(row => row < 10 ? row : row + 1).Order(),
            found.Issues.Take(turned.Count).Select(issue => issue.Row).Order());
        Assert.Equal(
            withGap.Where((_, row) => found.Issues.All(issue => issue.Row != row)).Select(row => row.ImagePath),
            found.RemoveFrom(view).GetColumn<string>("ImagePath"));
    }

    [Fact]
    public void What_remains_is_a_view_like_any_other()
    {
        var (rows, _) = Clouds(perClass: 40, turnedOf: 20);
        var view = View(rows);
        var found = _ml.MulticlassClassification.FindLabelIssues(view);

        TestSupport.Conformance.CheckCursors(found.RemoveFrom(view));
        Assert.Equal(rows.Length - found.Issues.Length, found.RemoveFrom(view).GetRowCount());
        var middle = found.Issues[found.Issues.Length / 2].Margin;
        var surer = found.FromMargin(middle);
        Assert.Equal(found.Issues.Where(issue => issue.Margin >= middle), surer.Issues);
        Assert.Equal(rows.Length - surer.Issues.Length, surer.RemoveFrom(view).GetColumn<string>("ImagePath").Count());
        Assert.Empty(found.FromMargin(1).Issues);
    }

    [Fact]
    public void The_list_is_written_as_csv()
    {
        var (rows, _) = Clouds(perClass: 40, turnedOf: 40, name: "a, \"b\"");

        var found = _ml.MulticlassClassification.FindLabelIssues(View(rows));
        found.WriteCsv(_folder["issues.csv"]);

        var lines = File.ReadAllLines(_folder["issues.csv"]);
        Assert.Equal("row,path,label,suggested,probability,suggestedProbability,margin", lines[0]);
        Assert.Equal(found.Issues.Length, lines.Length - 1);
        Assert.Contains(lines, line => line.Contains("\"a, \"\"b\"\" 0\",", StringComparison.Ordinal));
    }

    [Fact]
    public void A_network_looks_at_images_and_the_list_has_pictures()
    {
        Pictures.Write(_folder["images"], perClass: 20, height: 16, width: 16);
        var moved = Path.Combine(_folder["images"], "standing", "wrong.png");
        File.Move(Path.Combine(_folder["images"], "lying", "007.png"), moved);
        var files = _ml.Data.LoadImageFolder(_folder["images"]);
        var load = _ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(_ml.Transforms.LoadImages("Image", null, "ImagePath"))
            .Fit(files);
        using var network = UntrainedClassifier.Create(_ml, load.Transform(files), "Image");
        var pipeline = load.Append(network);

        var found = network.FindLabelIssues(load.Transform(files), new LabelIssueOptions { Folds = 4 });
        var ofPipeline = pipeline.FindLabelIssues(files, new LabelIssueOptions { Folds = 4 });

        Assert.Equal(
            found.Issues.Select(issue => issue with { Thumbnail = null }),
            ofPipeline.Issues.Select(issue => issue with { Thumbnail = null }));
        var first = found.Issues[0];
        Assert.Equal((moved, "standing", "lying"), (first.Path, first.Label, first.Suggested));

        found.WriteReport(_folder["issues.html"]);
        var page = Page.Read(_folder["issues.html"]);
        Assert.Equal("Labels that may be wrong", page.Title);
        Assert.Equal(found.Issues.Length, page.QuerySelectorAll("#labels li img").Length);
        Assert.Equal(found.Issues.Length, page.QuerySelectorAll("#labels tbody tr").Length);
        Assert.Contains("standing/wrong.png", page.QuerySelector("#labels li .file")!.TextContent, StringComparison.Ordinal);

        network.WriteReport(
            _folder["report.html"],
            load.Transform(files),
            new ReportOptions { LabelIssues = found, GradCam = false, LayerResponseImages = 0, TestTimeViews = [] });
        Assert.Equal(found.Issues.Length, Page.Read(_folder["report.html"]).QuerySelectorAll("#labels li img").Length);
    }

    [Fact]
    public void No_more_pictures_are_kept_than_asked_for()
    {
        Pictures.Write(_folder["images"], perClass: 4, height: 16, width: 16);
        var images = TrainingData.Images(_ml, _folder["images"]);
        using var network = UntrainedClassifier.Create(_ml, images, "Image");

        var found = network.FindLabelIssues(images, new LabelIssueOptions { Folds = 2, Thumbnails = 0 });

        Assert.All(found.Issues, issue => Assert.Null(issue.Thumbnail));
    }

    [Fact]
    public void What_is_wrong_with_the_data_is_named()
    {
        var (rows, _) = Clouds(perClass: 10, turnedOf: 10);
        var data = View(rows);
        Throws<ArgumentOutOfRangeException>(
            "There is no feature column 'Nothing'", data, new LabelIssueOptions { FeatureColumnName = "Nothing" });
        Throws<ArgumentOutOfRangeException>("must be a vector of floats", data, new LabelIssueOptions { FeatureColumnName = "ImagePath" });
        Throws<ArgumentOutOfRangeException>("There is no label column", data, new LabelIssueOptions { LabelColumnName = "Nothing" });
        Throws<ArgumentOutOfRangeException>("Folds", data, new LabelIssueOptions { Folds = 1 });
        rows[4].Features[1] = float.NaN;
        Throws<InvalidOperationException>("in row 4 that is not finite", View(rows), new LabelIssueOptions());
        Assert.Contains(
            "no ResNetClassificationTransformer",
            Assert.Throws<ArgumentException>(() => _ml.Transforms.CopyColumns("Copy", "Features").Fit(data).FindLabelIssues(data)).Message,
            StringComparison.Ordinal);
    }

    private void Throws<T>(string message, IDataView data, LabelIssueOptions options)
        where T : Exception =>
        Assert.Contains(
            message, Assert.Throws<T>(() => _ml.MulticlassClassification.FindLabelIssues(data, options)).Message, StringComparison.Ordinal);

    // Three clouds of points, apart; every so-manieth point is labelled as of the next cloud.
    private static (Row[] Rows, Dictionary<long, string> Turned) Clouds(int perClass, int turnedOf, string name = "class")
    {
        var random = new Random(7);
        var (rows, turned) = (new Row[3 * perClass], new Dictionary<long, string>());
        for (var row = 0; row < rows.Length; row++)
        {
            var (label, given) = (row % 3, row % turnedOf == turnedOf / 2 ? (row + 1) % 3 : row % 3);
            var features = Array.ConvertAll(new float[3], _ => random.NextSingle() - 0.5f);
            features[label] += 2;
            rows[row] = new Row { Name = $"{name} {given}", ImagePath = $"{row}.png", Features = features };
            if (given != label)
            {
                turned.Add(row, $"{name} {label}");
            }
        }

        return (rows, turned);
    }

    private IDataView View(Row[] rows, Row[]? keys = null)
    {
        var view = Load(rows);
        return _ml.Transforms.Conversion.MapValueToKey("Label", nameof(Row.Name)).Fit(Load(keys ?? rows)).Transform(view);

        IDataView Load(Row[] each)
        {
            var schema = SchemaDefinition.Create(typeof(Row));
            schema[nameof(Row.Features)].ColumnType = new VectorDataViewType(NumberDataViewType.Single, 3);
            return _ml.Data.LoadFromEnumerable(each, schema);
        }
    }

    private sealed class Row
    {
        public string Name { get; set; } = "";

        public string ImagePath { get; set; } = "";

        public float[] Features { get; set; } = [];
    }
}
