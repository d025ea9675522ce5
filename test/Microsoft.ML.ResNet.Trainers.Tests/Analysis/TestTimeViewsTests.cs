using Microsoft.ML.Data;
using Microsoft.ML.ResNet.TestSupport;
using TorchSharp;

namespace Microsoft.ML.ResNet.Trainers.Tests.Analysis;

public sealed class TestTimeViewsTests : IDisposable
{
    private static readonly ResNetArchitecture Tiny = TrainingData.Tiny;

    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();

    private static readonly TestTimeViews[] Every =
    [
        TestTimeViews.Single, TestTimeViews.Flip, TestTimeViews.TenCrop, TestTimeViews.MultiScale(224, 320),
    ];

    public static TheoryData<TestTimeViews> All => [.. Every];

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string> Sources =>
        ["as it is", "reduced and cropped", "mean image", "grayscale", "bytes", "floats", "pre-activation"];

    [Theory]
    [MemberData(nameof(Sources))]
    public void ASingleViewScoresAsTheModelDoes(string source)
    {
        var shape = new ImageShape(source == "grayscale" ? 1 : 3, 16, 16);
        var preprocessing = Classifiers.Preprocessing(shape);
        var (data, column, chosen, architecture) = source switch
        {
            "bytes" => (Pictures.Load(_ml, Pictures.Rows(3, 16, 16, 3)), "Bytes", preprocessing, Tiny),
            "floats" => (Pictures.Load(_ml, Pictures.Rows(3, 16, 16, 3)), "Floats",
                new ImagePreprocessing(shape, [0.4f, 0.4f, 0.4f], [0.2f, 0.2f, 0.2f]), Tiny),
            "reduced and cropped" => (Images(90, 70), "Image", preprocessing with { CropBorder = 3, Supersampling = 3 }, Tiny),
            "mean image" =>
                (Images(20, 30), "Image", preprocessing with { Mean = [.. Enumerable.Range(0, shape.Size).Select(i => i % 200f)] }, Tiny),
            "pre-activation" => (Images(20, 30), "Image", preprocessing, Tiny with { Block = BlockKind.PreActivationBasic }),
            _ => (Images(20, 30), "Image", preprocessing, Tiny),
        };
        using var model = Classifiers.Create(_ml, data, chosen, architecture, column);

        var expected = Classifiers.Scores(model.Transform(data));

        Assert.True(expected.Max(score => score.Max()) - expected.Min(score => score.Max()) > 0.01, "equal probabilities compare nothing");
        Classifiers.AssertClose(expected, Classifiers.Scores(model.Transform(data, TestTimeViews.Single)), tolerance: 1e-4);
    }

    [Fact]
    public void EveryViewWeighsTheSame()
    {
        var images = Images(16, 16);
        using var model = Classifiers.Create(_ml, images, Classifiers.Preprocessing(TrainingData.Shape));
        var mirrored = Mirrored(images);

        var (single, mirror) = (Classifiers.Scores(model.Transform(images)), Classifiers.Scores(model.Transform(mirrored)));

        var means = single.Zip(mirror, (left, right) => left.Zip(right, (a, b) => (a + b) / 2).ToArray()).ToArray();
        Classifiers.AssertClose(means, Classifiers.Scores(model.Transform(images, TestTimeViews.Flip)), tolerance: 1e-4);

        // Images of the network's own size: the paper's smallest scale is the image as it is.
        Classifiers.AssertClose(means, Classifiers.Scores(model.Transform(images, TestTimeViews.MultiScale(224))), tolerance: 1e-4);

        var both = Classifiers.Scores(model.Transform(images, TestTimeViews.MultiScale(224, 448)));
        var large = Classifiers.Scores(model.Transform(images, TestTimeViews.MultiScale(448)));
        Classifiers.AssertClose(
            [.. means.Zip(large, (left, right) => left.Zip(right, (a, b) => (a + b) / 2).ToArray())], both, tolerance: 1e-4);
    }

    [Fact]
    public void TenCropsAreTheMeanOfTheScoresOfTheirPictures()
    {
        // 64×64 is 8/7 of 56×56, so the crops can be cut by hand.
        var shape = new ImageShape(3, 56, 56);
        var rgb = Pictures.Draw(label: 2, 64, 64, 3, new Random(4));
        Directory.CreateDirectory(_folder["whole/lying"]);
        Directory.CreateDirectory(_folder["crops/lying"]);
        Save(_folder["whole/lying/0.png"], rgb, 64);
        foreach (var (top, left) in ((int, int)[])[(0, 0), (0, 8), (8, 0), (8, 8), (4, 4)])
        {
            var crop = Crop(rgb, 64, top, left, 56);
            Save(_folder[$"crops/lying/{top}-{left}.png"], crop, 56);
            Save(_folder[$"crops/lying/{top}-{left}-mirrored.png"], Mirror(crop, 56), 56);
        }

        var (whole, crops) = (Classifiers.Labeled(_ml, _folder["whole"]), Classifiers.Labeled(_ml, _folder["crops"]));
        using var model = Classifiers.Create(_ml, whole, Classifiers.Preprocessing(shape));

        var scores = Classifiers.Scores(model.Transform(crops));

        Assert.Equal(10, scores.Length);
        var mean = Enumerable.Range(0, 3).Select(label => scores.Average(score => score[label])).ToArray();
        Classifiers.AssertClose([mean], Classifiers.Scores(model.Transform(whole, TestTimeViews.TenCrop)), tolerance: 1e-4);
    }

    [Theory]
    [InlineData("Bytes")]
    [InlineData("Image")]
    public void MirrorImagesScoreAlike(string column)
    {
        var images = Images(24, 24);
        var rows = Pictures.Rows(2, 16, 16, 3);
        var data = column == "Image" ? images : Pictures.Load(_ml, rows);
        var mirrored = column == "Image" ? Mirrored(images) : Pictures.Load(_ml, [.. rows.Select(MirrorRow)]);
        using var model = Classifiers.Create(_ml, data, Classifiers.Preprocessing(TrainingData.Shape), imageColumn: column);

        foreach (var views in (TestTimeViews[])[TestTimeViews.Flip, TestTimeViews.TenCrop, TestTimeViews.MultiScale()])
        {
            Classifiers.AssertClose(
                Classifiers.Scores(model.Transform(data, views)), Classifiers.Scores(model.Transform(mirrored, views)), tolerance: 1e-3);
        }

        Assert.NotEqual(Classifiers.Scores(model.Transform(data))[^1], Classifiers.Scores(model.Transform(mirrored))[^1]);
    }

    [Theory]
    [MemberData(nameof(All))]
    public void EvaluateTakesTheResult(TestTimeViews views)
    {
        var data = Images(20, 30);
        using var model = Classifiers.Create(_ml, data, Classifiers.Preprocessing(TrainingData.Shape));

        var scored = model.Transform(data, views);

        var metrics = _ml.MulticlassClassification.Evaluate(scored);
        var direct = model.Evaluate(data, views, topKPredictionCount: 2);
        var scores = Classifiers.Scores(scored);
        var labels = data.GetColumn<uint>("Label").ToArray();
        Assert.Equal(scores.Zip(labels).Average(row => -Math.Log(row.First[row.Second - 1])), metrics.LogLoss, tolerance: 1e-4);
        Assert.Equal((metrics.MicroAccuracy, metrics.LogLoss), (direct.MicroAccuracy, direct.LogLoss));
        Assert.Equal(
            metrics.LogLoss, _ml.MulticlassClassification.Evaluate(_ml.Data.Cache(scored, "Label", "Score", "PredictedLabel")).LogLoss);
        Assert.Equal(
            scores.Zip(labels).Average(row => row.First.OrderDescending().Take(2).Contains(row.First[row.Second - 1]) ? 1.0 : 0),
            direct.TopKAccuracy,
            tolerance: 1e-6);
        Assert.Equal(3, metrics.ConfusionMatrix.NumberOfClasses);
        Assert.Equal(scores.Select(score => (uint)Array.IndexOf(score, score.Max()) + 1), scored.GetColumn<uint>("PredictedLabel"));
        Assert.All(scores, score => Assert.Equal(1, score.Sum(), tolerance: 1e-5));
    }

    [Fact]
    public void TheColumnsAreThoseThatTheModelAdds()
    {
        var data = Images(20, 30);
        using var model = Classifiers.Create(_ml, data, Classifiers.Preprocessing(TrainingData.Shape));

        var (expected, actual) = (model.Transform(data).Schema, model.Transform(data, TestTimeViews.Flip).Schema);

        Assert.Equal(
            expected.Where(column => !column.IsHidden).Select(column => (column.Name, column.Type)),
            actual.Where(column => !column.IsHidden).Select(column => (column.Name, column.Type)));
        foreach (var name in (string[])["Score", "PredictedLabel"])
        {
            Assert.Equal(
                expected[name].Annotations.Schema.Select(each => (each.Name, each.Type)),
                actual[name].Annotations.Schema.Select(each => (each.Name, each.Type)));
        }

        var names = default(VBuffer<ReadOnlyMemory<char>>);
        actual["Score"].GetSlotNames(ref names);
        Assert.Equal(Classifiers.ClassNames, names.DenseValues().Select(name => name.ToString()));
        var texts = _ml.Transforms.Conversion.MapKeyToValue("Text", "PredictedLabel")
            .Fit(model.Transform(data, TestTimeViews.Flip))
            .Transform(model.Transform(data, TestTimeViews.Flip));
        Assert.All(texts.GetColumn<string>("Text"), text => Assert.Contains(text, Classifiers.ClassNames));
    }

    [Fact]
    public void CursorsKeepTheirContract()
    {
        var data = Images(20, 30);
        using var model = Classifiers.Create(_ml, data, Classifiers.Preprocessing(TrainingData.Shape));
        var scored = model.Transform(data, TestTimeViews.Flip);
        var scores = Classifiers.Scores(scored);

        using (var cursor = scored.GetRowCursor(scored.Schema))
        {
            var (getScore, getPath, score, path, rows) = (cursor.GetGetter<VBuffer<float>>(scored.Schema["Score"]),
                cursor.GetGetter<ReadOnlyMemory<char>>(scored.Schema["ImagePath"]), default(VBuffer<float>), default(ReadOnlyMemory<char>),
                0);
            var paths = data.GetColumn<string>("ImagePath").ToArray();
            Assert.Equal(-1, cursor.Position);
            for (; cursor.MoveNext(); rows++)
            {
                getScore(ref score);
                getPath(ref path);
                Assert.Equal(rows, cursor.Position);
                Assert.Equal(scores[rows], score.DenseValues());
                Assert.Equal(paths[rows], path.ToString());
            }

            Assert.Equal((scores.Length, -1, false), (rows, cursor.Position, cursor.MoveNext()));
        }

        using var label = scored.GetRowCursor([scored.Schema["Label"]]);
        Assert.True(label.IsColumnActive(scored.Schema["Label"]));
        Assert.False(label.IsColumnActive(scored.Schema["Score"]));
        Assert.Throws<ArgumentOutOfRangeException>(() => label.GetGetter<VBuffer<float>>(scored.Schema["Score"])); // as all our cursors
        using var active = scored.GetRowCursor([scored.Schema["Score"]]);
        Assert.Contains(
            "cannot be read as", Assert.Throws<InvalidOperationException>(() => active.GetGetter<float>(scored.Schema["Score"])).Message);
    }

    [Fact]
    public void RowsAreReadAsTheyAreNeeded()
    {
        var read = 0;
        var row = Pictures.Rows(1, 16, 16, 3)[0];
        var template = Pictures.Load(_ml, [row]);
        var schema = SchemaDefinition.Create(typeof(PixelRow));
        schema[nameof(PixelRow.Bytes)].ColumnType = template.Schema[nameof(PixelRow.Bytes)].Type;
        schema[nameof(PixelRow.Floats)].ColumnType = template.Schema[nameof(PixelRow.Floats)].Type;
        var data = _ml.Data.LoadFromEnumerable(Rows(), schema);
        using var model = Classifiers.Create(_ml, template, Classifiers.Preprocessing(TrainingData.Shape), imageColumn: "Bytes");
        var before = LiveTensors.CountBefore();

        using (var cursor = model.Transform(data, TestTimeViews.Single)
            .GetRowCursor(model.Transform(data, TestTimeViews.Single).Schema.Where(column => column.Name == "Score")))
        {
            Assert.True(cursor.MoveNext());
        }

        // One batch is read, one waits, and one is computed; a batch has 128 of such images.
        Assert.InRange(read, 1, 3 * 128 + 1);
        Assert.Equal(before, torch.Tensor.TotalCount);

        IEnumerable<PixelRow> Rows()
        {
            for (; ; read++)
            {
                yield return row;
            }
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public void FreeEveryTensor(TestTimeViews views)
    {
        var data = Images(20, 30);
        using var model = Classifiers.Create(_ml, data, Classifiers.Preprocessing(TrainingData.Shape));
        var before = LiveTensors.CountBefore();

        Classifiers.Scores(model.Transform(data, views));

        Assert.Equal(before, torch.Tensor.TotalCount);
    }

    [Fact]
    public void AreValues()
    {
        Assert.Equal(TestTimeViews.MultiScale(), TestTimeViews.MultiScale(224, 256, 384, 480, 640));
        Assert.Equal(TestTimeViews.MultiScale().GetHashCode(), TestTimeViews.MultiScale(224, 256, 384, 480, 640).GetHashCode());
        Assert.NotEqual(TestTimeViews.MultiScale(), TestTimeViews.MultiScale(224));
        Assert.Equal(["single view", "image and mirror image", "10-crop", "multi-scale 224, 320"], Every.Select(views => views.ToString()));
    }

    [Fact]
    public void SayWhatIsWrong()
    {
        var data = Images(20, 30);
        using var model = Classifiers.Create(_ml, data, Classifiers.Preprocessing(TrainingData.Shape));

        Assert.Throws<ArgumentOutOfRangeException>(() => TestTimeViews.MultiScale(224, 0));
        Assert.Contains(
            "needs at least 28",
            Assert.Throws<ArgumentOutOfRangeException>(() => model.Transform(data, TestTimeViews.MultiScale(27))).Message);
        Assert.Contains("no image column 'Image'", Assert.Throws<ArgumentOutOfRangeException>(
            () => model.Transform(_ml.Transforms.DropColumns("Image").Fit(data).Transform(data), TestTimeViews.Flip)).Message);

        var otherOrder = Classifiers.Labeled(_ml, _folder.Path, ["standing", "lying", "diagonal"]);
        Assert.Contains(
            "standing, lying, diagonal, but the network's classes are lying",
            Assert.Throws<ArgumentOutOfRangeException>(() => model.Evaluate(otherOrder, TestTimeViews.Single)).Message);

        File.WriteAllBytes(Directory.GetFiles(_folder["standing"])[0], [1, 2, 3]);
        Assert.Contains("cannot be read", Assert.Throws<BadImageException>(() => model.Evaluate(data, TestTimeViews.Single)).Message);
    }

    private IDataView Images(int height, int width) => Classifiers.Images(_ml, _folder, height, width);

    private IDataView Mirrored(IDataView images)
    {
        var folder = _folder["mirrored"];
        foreach (var path in images.GetColumn<string>("ImagePath").ToArray())
        {
            using var image = MLImage.CreateFromFile(path);
            var target = Path.Combine(folder, Path.GetRelativePath(_folder.Path, path));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            var rgb = Enumerable.Range(0, image.Width * image.Height)
                .SelectMany(i => (byte[])[image.Pixels[4 * i + 2], image.Pixels[4 * i + 1], image.Pixels[4 * i]])
                .ToArray();
            Save(target, Mirror(rgb, image.Width), image.Width);
        }

        return Classifiers.Labeled(_ml, folder);
    }

    private static PixelRow MirrorRow(PixelRow row) =>
        new() { Name = row.Name, Weight = row.Weight, Bytes = MirrorPlanar(row.Bytes), Floats = MirrorPlanar(row.Floats) };

    private static T[] MirrorPlanar<T>(T[] planar) => [.. planar.Chunk(16).SelectMany(line => line.Reverse())];

    private static byte[] Mirror(byte[] rgb, int width) =>
        [.. rgb.Chunk(3 * width).SelectMany(line => line.Chunk(3).Reverse().SelectMany(pixel => pixel))];

    private static byte[] Crop(byte[] rgb, int side, int top, int left, int size) =>
        [.. rgb.Chunk(3 * side).Skip(top).Take(size).SelectMany(line => line.Skip(3 * left).Take(3 * size))];

    private static void Save(string path, byte[] rgb, int width)
    {
        using var image = Pictures.ToImage(rgb, rgb.Length / 3 / width, width);
        image.Save(path);
    }
}
