using System.Text;
using System.Xml.Linq;
using Microsoft.ML.ResNet.Trainers.Reporting.Pages;

namespace Microsoft.ML.ResNet.Trainers.Tests.Reporting.Pages;

public sealed class HtmlTests
{
    [Fact]
    public void Text_never_becomes_markup() =>
        Assert.Contains(
            "<p title=\"&quot;&lt;b&gt;\">&lt;script&gt;&amp;amp;</p>",
            Write(Html.Element("p", new XAttribute("title", "\"<b>"), "<script>&amp;")),
            StringComparison.Ordinal);

    [Fact]
    public void Characters_that_HTML_has_no_place_for_are_replaced() =>
        Assert.Contains(
            "<p>a\ufffdb\ufffdc\ufffdd\ufffd é 図 😀\nf</p>",
            Write(Html.Element("p", "a\0b\u001bc\ud800d\uffff é 図 😀\r\nf")),
            StringComparison.Ordinal);

    [Fact]
    public void An_empty_element_is_closed_unless_it_is_void()
    {
        var html = Write(Html.Element("p", Html.Element("span"), Html.Element("br")));

        Assert.Contains("<span></span>", html, StringComparison.Ordinal);
        Assert.Contains("<br />", html, StringComparison.Ordinal);
    }

    [Fact]
    public void A_document_starts_with_its_type_and_no_byte_order_mark() =>
        Assert.StartsWith("<!DOCTYPE html>\n<p>", Write(Html.Element("p", "é")), StringComparison.Ordinal);

    private static string Write(XElement element)
    {
        using var stream = new MemoryStream();
        Html.Write(element, stream);
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
