using System.Text;
using System.Xml.Linq;
using Microsoft.ML.ResNet.Trainers.Reporting.Charts;
using OxyPlot;
using static Microsoft.ML.ResNet.Trainers.Reporting.Pages.Html;

namespace Microsoft.ML.ResNet.Trainers.Reporting.Pages;

/// <summary>Puts images into the page itself.</summary>
internal static class Figure
{
    /// <summary>Makes a figure of a chart, drawn for light surroundings and again for dark ones; the browser shows the one that fits.</summary>
    /// <param name="caption">The heading: text, or a heading and more.</param>
    /// <param name="alternative">What the chart shows, in words.</param>
    /// <param name="draw">Draws the chart.</param>
    /// <param name="width">The width in CSS pixels, where there is room for it.</param>
    /// <param name="height">The height in CSS pixels.</param>
    public static XElement Of(object caption, string alternative, Func<ChartTheme, PlotModel> draw, int width, int height)
    {
        return Element("figure",
            Element("figcaption", caption),
            Element("picture",
                Element("source", new XAttribute("media", "screen and (prefers-color-scheme: dark)"), new XAttribute("srcset", Draw(ChartTheme.Dark))),
                Element("img", new XAttribute("src", Draw(ChartTheme.Light)), new XAttribute("alt", alternative), new XAttribute("width", width), new XAttribute("height", height))));

        string Draw(ChartTheme theme)
        {
            var chart = draw(theme);
            chart.Background = OxyColors.Undefined;        // the page's own
            return DataUri("image/svg+xml", Encoding.UTF8.GetBytes(ChartFile.ToSvg(chart, width, height).ToString(SaveOptions.DisableFormatting)));
        }
    }

    public static string DataUri(string mediaType, ReadOnlySpan<byte> bytes) => $"data:{mediaType};base64,{Convert.ToBase64String(bytes)}";
}
