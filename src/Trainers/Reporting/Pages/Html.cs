using System.Globalization;
using System.Text;
using System.Xml;
using System.Xml.Linq;

namespace Microsoft.ML.ResNet.Trainers.Reporting.Pages;

/// <summary>Builds HTML from elements, never from strings, so that no text can become markup.</summary>
internal static class Html
{
    // https://html.spec.whatwg.org/multipage/syntax.html#void-elements
    private static readonly HashSet<string> VoidElements =
    [
        "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr",
    ];

    public static XElement Element(string name, params object?[] content) => new(name, content);

    public static XAttribute Class(string names) => new("class", names);

    /// <summary>Makes a table whose first column names its rows.</summary>
    /// <param name="caption">What the table tells.</param>
    /// <param name="headers">The columns' names.</param>
    /// <param name="rows">For each row, a value for each column: text, or elements; a <c>td</c> is taken as it is.</param>
    public static XElement Table(string caption, IEnumerable<string> headers, IEnumerable<object?[]> rows) =>
        Element("div", Class("scroll"), Element("table",
            Element("caption", caption),
            Element("thead", Element("tr", headers.Select(header => Element("th", new XAttribute("scope", "col"), header)))),
            Element("tbody", rows.Select(row => Element("tr",
                Element("th", new XAttribute("scope", "row"), row[0]),
                row.Skip(1).Select(value => value is XElement { Name.LocalName: "td" } cell ? cell : Element("td", value)))))));

    /// <summary>Makes a cell with a bar as long as a share.</summary>
    public static XElement BarCell(double share, string text) => Element("td", Class("bar"), Style($"--share:{Number(share)}"), text);

    public static XAttribute Style(string declarations) => new("style", declarations);

    public static string Number(double value) => value.ToString("0.####", CultureInfo.InvariantCulture);

    public static string Hundredths(double value) => value.ToString("0.00", CultureInfo.InvariantCulture);

    public static string Loss(double nats) => nats.ToString("0.0000", CultureInfo.InvariantCulture);

    public static string Count(long value) => value.ToString("n0", CultureInfo.InvariantCulture);

    public static string Percent(double share) => (100 * share).ToString("0.00", CultureInfo.InvariantCulture) + " %";

    /// <summary>Shortens a path to the file and its folder: the rest says more about the machine than about the image.</summary>
    public static string FileAndFolder(string path)
    {
        var parts = path.Split(['/', '\\'], StringSplitOptions.RemoveEmptyEntries);
        return string.Join('/', parts.TakeLast(2));
    }

    /// <summary>Writes a document. Characters that HTML has no place for become U+FFFD.</summary>
    public static void Write(XElement html, Stream stream)
    {
        foreach (var element in html.DescendantsAndSelf())
        {
            Clean(element);
        }

        var encoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        using var text = new StreamWriter(stream, encoding, leaveOpen: true) { NewLine = "\n" };
        text.WriteLine("<!DOCTYPE html>");
        var settings = new XmlWriterSettings { OmitXmlDeclaration = true, Indent = true, IndentChars = " ", NewLineChars = "\n" };
        using (var writer = XmlWriter.Create(text, settings))
        {
            html.WriteTo(writer);
        }

        text.WriteLine();
    }

    private static void Clean(XElement element)
    {
        foreach (var text in element.Nodes().OfType<XText>())
        {
            text.Value = Clean(text.Value);
        }

        foreach (var attribute in element.Attributes())
        {
            attribute.Value = Clean(attribute.Value);
        }

        // <td /> is XML for an empty cell, but HTML for the start of one.
        if (element.IsEmpty && !VoidElements.Contains(element.Name.LocalName))
        {
            element.Value = "";
        }
    }

    // Control characters, noncharacters and lone surrogates: a file name may hold any.
    private static string Clean(string text)
    {
        if (text.All(character => character is >= ' ' and < '\x7f'))
        {
            return text;
        }

        var clean = new StringBuilder(text.Length);
        foreach (var rune in text.Replace("\r\n", "\n", StringComparison.Ordinal).EnumerateRunes())
        {
            var isNoncharacter = (rune.Value & 0xfffe) == 0xfffe || rune.Value is >= 0xfdd0 and <= 0xfdef;
            clean.Append(
                isNoncharacter || (Rune.IsControl(rune) && rune.Value is not '\n' and not '\t')
                    ? Rune.ReplacementChar.ToString()
                    : rune.ToString());
        }

        return clean.ToString();
    }
}
