using System.Globalization;
using OxyPlot;
using OxyPlot.Axes;
using OxyPlot.Legends;
using OxyPlot.Series;

namespace Microsoft.ML.ResNet.Trainers.Reporting.Charts;

/// <summary>The parts that all charts are made of, so that they look alike.</summary>
internal static class Chart
{
    // The page's own list, in report.css. The browser chooses for SVG, and Skia falls back for PNG.
    private const string Font = "system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif";
    private const double TextSize = 14;

    public static PlotModel Create(ChartTheme theme, string? title = null) => new()
    {
        Title = title,
        TitleFontSize = 17,
        TitleFontWeight = 600,
        TitleColor = theme.Text,
        SubtitleFontSize = TextSize,
        SubtitleColor = theme.Quiet,
        TextColor = theme.Text,
        DefaultFont = Font,
        DefaultFontSize = TextSize,
        Background = theme.Background,
        PlotAreaBorderThickness = new OxyThickness(0),
        Padding = new OxyThickness(8, title is null ? 8 : 14, 16, 8),
        Culture = CultureInfo.InvariantCulture,
    };

    public static LinearAxis Bottom(ChartTheme theme, string? title) => new()
    {
        Position = AxisPosition.Bottom,
        Title = title,
        AxislineStyle = LineStyle.Solid,
        AxislineColor = theme.Axis,
        TicklineColor = theme.Axis,
        TickStyle = TickStyle.Outside,
        MajorTickSize = 4,
        MinorTickSize = 0,
        MinimumPadding = 0.02,
        MaximumPadding = 0.02,
        AxisTitleDistance = 6,
    };

    /// <summary>An axis of values, which starts at zero.</summary>
    public static LinearAxis Left(ChartTheme theme, string? title, string? format = null) => new()
    {
        Position = AxisPosition.Left,
        Title = title,
        StringFormat = format,
        Minimum = 0,
        MaximumPadding = 0.06,
        MajorGridlineStyle = LineStyle.Solid,
        MajorGridlineColor = theme.Grid,
        TickStyle = TickStyle.None,
        AxisTitleDistance = 10,
    };

    /// <summary>Ends an axis of values with the ticks of a scale.</summary>
    public static LinearAxis On(this LinearAxis axis, ValueScale scale)
    {
        (axis.Minimum, axis.Maximum, axis.MajorStep, axis.MinorStep) = (scale.Bottom, scale.End, scale.Step, scale.Step);
        return axis;
    }

    /// <summary>An axis that counts something.</summary>
    public static LinearAxis Counting(this LinearAxis axis)
    {
        axis.MinimumMajorStep = 1;
        axis.MinimumMinorStep = 1;
        axis.LabelFormatter = value => Math.Abs(value) >= 1000
            ? (value / 1000).ToString("0.##k", CultureInfo.InvariantCulture)
            : value.ToString("0", CultureInfo.InvariantCulture);
        return axis;
    }

    public static LineSeries Line(
        string? title, OxyColor color, double thickness, IEnumerable<DataPoint> points, LineStyle style = LineStyle.Solid)
    {
        var line = new LineSeries
        {
            Title = title,
            Color = color,
            StrokeThickness = thickness,
            LineStyle = style,
            LineJoin = LineJoin.Round,
            EdgeRenderingMode = EdgeRenderingMode.PreferGeometricAccuracy,
        };
        line.Points.AddRange(points);

        // One point makes no line.
        if (line.Points.Count == 1)
        {
            line.MarkerType = MarkerType.Circle;
            line.MarkerFill = color;
        }

        return line;
    }

    public static Legend Legend(ChartTheme theme, LegendPlacement placement) => new()
    {
        LegendPlacement = placement,
        LegendPosition = placement == LegendPlacement.Outside ? LegendPosition.TopLeft : LegendPosition.RightTop,
        LegendOrientation = placement == LegendPlacement.Outside ? LegendOrientation.Horizontal : LegendOrientation.Vertical,
        LegendBorderThickness = 0,
        LegendBackground = placement == LegendPlacement.Outside ? OxyColors.Undefined : OxyColor.FromAColor(0xd0, theme.Background),
        LegendTextColor = theme.Text,
        LegendFontSize = TextSize,
        LegendSymbolLength = 28,
        LegendPadding = placement == LegendPlacement.Outside ? 0 : 6,
        LegendMargin = 4,
    };
}
