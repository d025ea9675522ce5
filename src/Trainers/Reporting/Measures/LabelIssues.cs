using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Microsoft.ML.ResNet.Files;
using Microsoft.ML.ResNet.Trainers.Labels;

namespace Microsoft.ML.ResNet.Trainers;

/// <summary>The labels of a data set that are probably wrong, the surest first: what <see cref="ResNetLabelIssues"/> finds.</summary>
public sealed class LabelIssues
{
    internal LabelIssues(ImmutableArray<LabelIssue> issues, int imageCount, double accuracy) =>
        (Issues, ImageCount, Accuracy) = (issues, imageCount, accuracy);

    /// <summary>Gets the labels.</summary>
    /// <value>By <see cref="LabelIssue.Margin"/>, the largest first.</value>
    public ImmutableArray<LabelIssue> Issues { get; }

    /// <summary>Gets the number of images that were looked at.</summary>
    /// <value>Rows without a label are not among them.</value>
    public int ImageCount { get; }

    /// <summary>Gets the share of images whose label is the class that a head that did not learn from them finds the likeliest.</summary>
    /// <value>
    /// 0 to 1. It tells how far the list can be trusted: features that hardly tell the classes apart find few wrong labels, and accuse
    /// right ones.
    /// </value>
    public double Accuracy { get; }

    /// <summary>Leaves the rows out whose labels are probably wrong.</summary>
    /// <remarks>
    /// Give it the list of files, as <c>LoadImageFolder</c> makes it, and the result to the pipeline: stages that load and resize keep
    /// their speed so.
    /// </remarks>
    /// <param name="data">The data that was searched, or what its pipeline made it from: the same rows in the same order.</param>
    /// <returns>A view of the other rows.</returns>
    public IDataView RemoveFrom(IDataView data)
    {
        ArgumentNullException.ThrowIfNull(data);
        return new RemainingRows(data, Issues.Select(issue => issue.Row).ToHashSet());
    }

    /// <summary>Gets the surer part of the list.</summary>
    /// <param name="margin">The least <see cref="LabelIssue.Margin"/>, 0 to 1.</param>
    /// <returns>A new list.</returns>
    public LabelIssues FromMargin(double margin)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(margin);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(margin, 1);
        return new LabelIssues([.. Issues.Where(issue => issue.Margin >= margin)], ImageCount, Accuracy);
    }

    /// <summary>Writes the list as CSV, with a line of names first.</summary>
    /// <param name="path">The file to write; an existing one is replaced, once the new one is whole.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void WriteCsv(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var lines = new StringBuilder("row,path,label,suggested,probability,suggestedProbability,margin\n");
        foreach (var issue in Issues)
        {
            lines.Append(string.Create(CultureInfo.InvariantCulture,
                $"{issue.Row},{Quoted(issue.Path ?? "")},{Quoted(issue.Label)},{Quoted(issue.Suggested)},"));
            lines.Append(string.Create(CultureInfo.InvariantCulture,
                $"{issue.Probability:0.######},{issue.SuggestedProbability:0.######},{issue.Margin:0.######}\n"));
        }

        WholeFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(lines.ToString())));
    }

    // RFC 4180, section 2.
    private static string Quoted(string text) =>
        text.AsSpan().IndexOfAny(",\"\r\n") < 0 ? text : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
