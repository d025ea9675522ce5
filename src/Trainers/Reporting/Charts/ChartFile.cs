using System.Globalization;
using System.Xml.Linq;
using Microsoft.ML.ResNet.Files;
using OxyPlot;
using OxyPlot.SkiaSharp;
using SvgExporter = OxyPlot.SvgExporter;

namespace Microsoft.ML.ResNet.Trainers.Reporting.Charts;

/// <summary>Turns charts into images.</summary>
internal static class ChartFile
{
    // Screens of today, and paper, have at least twice the 96 pixels per inch that sizes are given in.
    private const int PngScale = 2;
    private const int PixelsPerInch = 96;

    /// <summary>Refuses a path that does not say which kind of image to write.</summary>
    public static void CheckPath(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!IsSvg(path) && !path.EndsWith(".png", StringComparison.OrdinalIgnoreCase))
        {
            throw new ArgumentException($"A chart cannot be written to '{path}': the name must end in .svg or .png.", nameof(path));
        }
    }

    /// <summary>Writes a chart as SVG or PNG, by the path's ending.</summary>
    public static void Save(PlotModel chart, string path, int width, int height)
    {
        CheckPath(path);
        WholeFile.Write(path, stream =>
        {
            if (IsSvg(path))
            {
                ToSvg(chart, width, height).Save(stream);
            }
            else
            {
                // Text shaping would need HarfBuzz's native library, which Linux does not get by itself.
                new PngExporter
                {
                    Width = PngScale * width,
                    Height = PngScale * height,
                    Dpi = PngScale * PixelsPerInch,
                    UseTextShaping = false,
                }.Export(chart, stream);
            }
        });
    }

    /// <summary>Draws a chart that scales with the page it is in.</summary>
    public static XElement ToSvg(PlotModel chart, int width, int height)
    {
        var svg = XElement.Parse(new SvgExporter { Width = width, Height = height, TextMeasurer = new TextRoom() }.ExportToString(chart));
        svg.SetAttributeValue("viewBox", string.Create(CultureInfo.InvariantCulture, $"0 0 {width} {height}"));
        return svg;
    }

    private static bool IsSvg(string path) => path.EndsWith(".svg", StringComparison.OrdinalIgnoreCase);
}
