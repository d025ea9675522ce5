using System.Xml.Linq;
using Microsoft.ML.ResNet.TestSupport;
using SkiaSharp;

namespace Microsoft.ML.ResNet.Trainers.Tests.Reporting.Charts;

public sealed class CurvesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Each_run_has_a_dashed_and_a_bold_curve_of_its_colour()
    {
        TrainingCurves.Plot(
            _folder["curves.svg"], new PlotOptions { Title = "Plain & residual" }, ("plain", Run(0.5)), ("residual", Run(0.25)));

        var curves = Curves(_folder["curves.svg"]);
        Assert.Equal(4, curves.Length);
        Assert.Equal(4, Texts(_folder["curves.svg"]).Count(text => text is "plain" or "residual" or "Plain & residual" or "iterations"));
        Assert.Equal(2, curves.Count(curve => curve.Style.Contains("stroke-dasharray", StringComparison.Ordinal)));
        Assert.Equal(2, curves.Select(curve => curve.Color).Distinct().Count());
        Assert.All(curves, curve => Assert.Equal(5, curve.Points.Length));

        // Errors fall, so points go down, which is where y grows; the plain network's end higher.
        Assert.All(curves, curve => Assert.Equal(curve.Points.Select(point => point.Y).Order(), curve.Points.Select(point => point.Y)));
        Assert.True(curves[1].Points[^1].Y < curves[3].Points[^1].Y);
    }

    [Fact]
    public void Without_known_steps_the_axis_counts_epochs()
    {
        var run = Run(0.5);
        TrainingCurves.Plot(_folder["curves.svg"], ("run", run with { Epochs = [.. run.Epochs.Select(epoch => epoch with { Step = 0 })] }));

        Assert.Contains("epochs", Texts(_folder["curves.svg"]));
    }

    [Fact]
    public void Runs_with_other_batches_are_compared_by_epochs_where_asked_for()
    {
        var (large, small) = (Run(0.5), Run(0.5));
        small = small with { Epochs = [.. small.Epochs.Select(epoch => epoch with { Step = 4 * epoch.Step })] };

        TrainingCurves.Plot(_folder["curves.svg"], new PlotOptions { Axis = CurveAxis.Epochs }, ("large batches", large), ("small", small));
        var curves = Curves(_folder["curves.svg"]);
        Assert.Equal(curves[0].Points, curves[2].Points);
        Assert.Contains("epochs", Texts(_folder["curves.svg"]));

        TrainingCurves.Plot(
            _folder["steps.svg"], new PlotOptions { Axis = CurveAxis.Iterations }, ("large batches", large), ("small", small));
        Assert.True(Curves(_folder["steps.svg"])[0].Points[^1].X < Curves(_folder["steps.svg"])[2].Points[^1].X);
        Assert.Contains("iterations", Texts(_folder["steps.svg"]));
    }

    [Fact]
    public void The_loss_is_drawn_where_asked_for_and_its_axis_ends_with_a_tick_above_it()
    {
        var run = Run(0.5);
        run = run with
        {
            Epochs = [.. run.Epochs.Select(epoch => epoch with { Loss = 2.31 / epoch.Epoch, ValidationLoss = 2.2 / epoch.Epoch })],
        };
        TrainingCurves.Plot(_folder["loss.svg"], new PlotOptions { Value = CurveValue.Loss }, ("run", run));

        Assert.Contains("loss, nats", Texts(_folder["loss.svg"]));
        var top = XDocument.Load(_folder["loss.svg"])
            .Descendants()
            .Single(element => element.Name.LocalName == "text" && element.Value == "2.5");
        var transform = top.Attribute("transform")?.Value ?? $"translate({top.Attribute("x")!.Value},{top.Attribute("y")!.Value})";
        var height = double.Parse(transform.Split(',', ')')[1], System.Globalization.CultureInfo.InvariantCulture);
        Assert.All(
            Curves(_folder["loss.svg"]), curve => Assert.All(curve.Points, point => Assert.True(point.Y > height, $"{point.Y}, {height}")));
    }

    [Fact]
    public void A_run_without_validation_is_drawn_by_its_training_error()
    {
        var run = Run(0.5);
        TrainingCurves.Plot(
            _folder["curves.svg"],
            ("run", run with { Epochs = [.. run.Epochs.Select(epoch => epoch with { ValidationAccuracy = null })] }));

        Assert.Single(Curves(_folder["curves.svg"]));
        Assert.Contains("run", Texts(_folder["curves.svg"]));
    }

    [Fact]
    public void A_picture_has_two_dots_for_each_pixel_and_is_as_dark_as_asked()
    {
        TrainingCurves.Plot(_folder["light.png"], new PlotOptions { Width = 300, Height = 200 }, ("run", Run(0.5)));
        TrainingCurves.Plot(_folder["dark.PNG"], new PlotOptions { Width = 300, Height = 200, Dark = true }, ("run", Run(0.5)));

        using var light = SKBitmap.Decode(_folder["light.png"]);
        using var dark = SKBitmap.Decode(_folder["dark.PNG"]);
        Assert.Equal((600, 400), (light.Width, light.Height));
        Assert.Equal(SKColors.White, light.GetPixel(1, 1));
        Assert.True(dark.GetPixel(1, 1).Red < 50);
        Assert.True(light.Pixels.Distinct().Count() > 10);
    }

    [Fact]
    public void Responses_are_drawn_in_order_and_ranked()
    {
        LayerResponseCurves.Plot(_folder["responses.svg"], ("plain", [1, 3, 2]), ("residual", [0.5, 0.25, 1, 0.75]));

        var curves = Curves(_folder["responses.svg"]);
        Assert.Equal([3, 3, 4, 4], curves.Select(curve => curve.Points.Length));
        Assert.Equal([3, 1, 2], Heights(curves[0]));            // as the layers come, the lowest first on paper
        Assert.Equal([1, 2, 3], Heights(curves[1]));            // from the largest on
        Assert.All(curves[0].Points, point => Assert.True(point.Y < curves[1].Points.Min(below => below.Y)));

        // Ranks of y, which grows downwards: 1 is the largest response.
        static int[] Heights(Curve curve) => [.. curve.Points.Select(point => 1 + curve.Points.Count(other => other.Y < point.Y))];
    }

    [Fact]
    public void A_file_made_twice_is_the_same_to_the_byte()
    {
        TrainingCurves.Plot(_folder["first.svg"], ("run", Run(0.5)));
        TrainingCurves.Plot(_folder["second.svg"], ("run", Run(0.5)));

        Assert.Equal(File.ReadAllBytes(_folder["first.svg"]), File.ReadAllBytes(_folder["second.svg"]));
    }

    [Fact]
    public void What_cannot_be_drawn_is_refused_by_name()
    {
        Assert.Contains(
            ".svg or .png", Refusal(() => TrainingCurves.Plot(_folder["curves.jpg"], ("run", Run(0.5)))), StringComparison.Ordinal);
        Assert.Contains("no runs", Refusal(() => TrainingCurves.Plot(_folder["curves.svg"])), StringComparison.Ordinal);
        Assert.Contains(
            "'empty'",
            Refusal(() => TrainingCurves.Plot(_folder["curves.svg"], ("empty", new TrainingHistory()))),
            StringComparison.Ordinal);
        Assert.Contains("no networks", Refusal(() => LayerResponseCurves.Plot(_folder["curves.svg"])), StringComparison.Ordinal);
        Assert.Contains("'empty'", Refusal(() => LayerResponseCurves.Plot(_folder["curves.svg"], ("empty", []))), StringComparison.Ordinal);
        Assert.Contains(
            "Width",
            Refusal(() => TrainingCurves.Plot(_folder["curves.svg"], new PlotOptions { Width = 1 }, ("run", Run(0.5)))),
            StringComparison.Ordinal);
        Assert.Contains(
            "Maximum",
            Refusal(() => TrainingCurves.Plot(_folder["curves.svg"], new PlotOptions { Maximum = 0 }, ("run", Run(0.5)))),
            StringComparison.Ordinal);
        var (unknown, iterations) =
            (new TrainingHistory { Epochs = [Run(0.5).Epochs[0] with { Step = 0 }] }, new PlotOptions { Axis = CurveAxis.Iterations });
        Assert.Contains(
            "'unknown'",
            Refusal(() => TrainingCurves.Plot(_folder["curves.svg"], iterations, ("unknown", unknown))),
            StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_folder.Path));

        static string Refusal(Action action) => Assert.ThrowsAny<ArgumentException>(action).Message;
    }

    private static TrainingHistory Run(double error) => new()
    {
        Epochs = [.. Enumerable.Range(1, 5).Select(epoch =>
            new EpochResult(epoch, 0.1, 1, 1 - error / epoch, 1, 1 - (error + 0.1) / epoch, TimeSpan.Zero, 1) { Step = 100 * epoch })],
    };

    private static string[] Texts(string path) =>
        [.. XDocument.Load(path).Descendants().Where(element => element.Name.LocalName == "text").Select(element => element.Value)];

    // Lines of more than two points: axes, ticks and the legend have two.
    private static Curve[] Curves(string path) =>
    [
        .. XDocument.Load(path).Descendants().Where(element => element.Name.LocalName == "polyline").Select(Curve.Of).Where(
            curve => curve.Points.Length > 2),
    ];

    private sealed record Curve((double X, double Y)[] Points, string Style)
    {
        public string Color => Style.Split(';').Single(declaration => declaration.StartsWith("stroke:", StringComparison.Ordinal));

        public static Curve Of(XElement polyline) => new(
            [.. polyline.Attribute("points")!.Value.Split(' ').Select(pair => pair.Split(',')).Select(
                pair => (Parse(pair[0]), Parse(pair[1])))],
            polyline.Attribute("style")!.Value);

        private static double Parse(string number) => double.Parse(number, System.Globalization.CultureInfo.InvariantCulture);
    }
}
