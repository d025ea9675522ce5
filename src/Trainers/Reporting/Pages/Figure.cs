using System.Text;
using System.Xml.Linq;
using Microsoft.ML.ResNet.Trainers.Reporting.Charts;
using Microsoft.ML.ResNet.Trainers.Reporting.Measures;
using OxyPlot;
using static Microsoft.ML.ResNet.Trainers.Reporting.Pages.Html;

namespace Microsoft.ML.ResNet.Trainers.Reporting.Pages;

/// <summary>Puts images into the page itself.</summary>
internal static class Figure
{
    /// <summary>A picture of fewer pixels is shown with its pixels, not smoothed.</summary>
    private const int LargestPixelArt = 96;

    /// <summary>
    /// Makes a figure of a chart, drawn for light surroundings and again for dark ones; the styles show the one that fits.
    /// </summary>
    /// <remarks>Not a picture element: browsers choose its source when the page is opened, and print the dark one on white paper.</remarks>
    /// <param name="caption">The heading: text, or a heading and more.</param>
    /// <param name="alternative">What the chart shows, in words.</param>
    /// <param name="draw">Draws the chart.</param>
    /// <param name="width">The width in CSS pixels, where there is room for it.</param>
    /// <param name="height">The height in CSS pixels.</param>
    public static XElement Of(object caption, string alternative, Func<ChartTheme, PlotModel> draw, int width, int height)
    {
        return Element("figure", Element("figcaption", caption), Image("light", ChartTheme.Light), Image("dark", ChartTheme.Dark));

        XElement Image(string surroundings, ChartTheme theme)
        {
            var chart = draw(theme);
            chart.Background = OxyColors.Undefined;        // the page's own
            var svg = ChartFile.ToSvg(chart, width, height).ToString(SaveOptions.DisableFormatting);
            return Element("img",
                Class(surroundings),
                new XAttribute("src", DataUri("image/svg+xml", Encoding.UTF8.GetBytes(svg))),
                new XAttribute("alt", alternative),
                new XAttribute("width", width),
                new XAttribute("height", height));
        }
    }

    /// <summary>Shows a small picture at its own size.</summary>
    public static XElement Picture(Thumbnail picture, string alternative) => Element("img",
        Math.Max(picture.Width, picture.Height) <= LargestPixelArt ? Class("pixels") : null,
        new XAttribute("src", DataUri(picture.MediaType, picture.Bytes)),
        new XAttribute("alt", alternative),
        new XAttribute("width", picture.Width),
        new XAttribute("height", picture.Height));

    public static string DataUri(string mediaType, ReadOnlySpan<byte> bytes) => $"data:{mediaType};base64,{Convert.ToBase64String(bytes)}";
}
