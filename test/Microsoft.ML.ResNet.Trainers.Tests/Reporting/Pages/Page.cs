using AngleSharp.Dom;
using AngleSharp.Html.Dom;
using AngleSharp.Html.Dom.Events;
using AngleSharp.Html.Parser;

namespace Microsoft.ML.ResNet.Trainers.Tests.Reporting.Pages;

/// <summary>Reads a report as a browser does, and checks what every report must be.</summary>
internal static class Page
{
    private static readonly string[] Loaded = ["src", "srcset", "href", "action", "data", "poster", "background", "xlink:href"];

    public static IHtmlDocument Read(string path) => Parse(File.ReadAllText(path));

    public static IHtmlDocument Parse(string html)
    {
        // The parser reports every departure from the standard, and goes on, as browsers do.
        var errors = new List<string>();
        var parser = new HtmlParser();
        parser.Error += (_, error) => errors.Add(((HtmlErrorEvent)error).Message);
        var page = parser.ParseDocument(html);
        Assert.Empty(errors);

        AssertWellMade(page);
        return page;
    }

    private static void AssertWellMade(IHtmlDocument page)
    {
        Assert.NotNull(page.Doctype);
        Assert.Equal("en", page.DocumentElement.GetAttribute("lang"));
        Assert.Equal("utf-8", page.QuerySelector("meta[charset]")!.GetAttribute("charset"));
        Assert.False(string.IsNullOrWhiteSpace(page.Title));
        Assert.Single(page.QuerySelectorAll("h1"));

        // Nothing runs and nothing is fetched.
        Assert.Empty(page.QuerySelectorAll("script, iframe, object, embed, link, base, form"));
        Assert.DoesNotContain(
            page.All.SelectMany(element => element.Attributes), attribute => attribute.Name.StartsWith("on", StringComparison.Ordinal));
        Assert.All(
            page.All.SelectMany(element => element.Attributes).Where(attribute => Loaded.Contains(attribute.Name)),
            attribute => Assert.True(
                attribute.Value.StartsWith("data:image/", StringComparison.Ordinal) || attribute.Value.StartsWith('#'), attribute.Value));
        var styles = page.QuerySelector("style")!.TextContent;
        Assert.DoesNotContain("url(", styles, StringComparison.Ordinal);
        Assert.DoesNotContain("@import", styles, StringComparison.Ordinal);
        Assert.DoesNotContain("&", styles, StringComparison.Ordinal);
        Assert.Contains(
            "default-src 'none'",
            page.QuerySelector("meta[http-equiv=Content-Security-Policy]")!.GetAttribute("content")!,
            StringComparison.Ordinal);

        // Everybody can read it.
        Assert.All(page.QuerySelectorAll("img"), image => Assert.False(string.IsNullOrWhiteSpace(image.GetAttribute("alt"))));
        Assert.All(page.QuerySelectorAll("table"), table =>
        {
            Assert.NotEmpty(table.QuerySelectorAll("caption"));
            Assert.NotEmpty(table.QuerySelectorAll("thead th[scope=col]"));
            Assert.All(table.QuerySelectorAll("tbody tr"), row => Assert.Single(row.QuerySelectorAll("th[scope=row]")));
            Assert.Single(table.QuerySelectorAll("tr").Select(row => row.Children.Length).Distinct());
        });
        Assert.All(page.QuerySelectorAll("nav a"), link => Assert.NotNull(page.GetElementById(link.GetAttribute("href")![1..])));
    }
}
