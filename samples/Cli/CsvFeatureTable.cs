using System.Globalization;
using CsvHelper;

namespace Cli;

/// <summary>Writes features as comma-separated values (RFC 4180).</summary>
internal sealed class CsvFeatureTable : FeatureTable
{
    private readonly CsvWriter _csv;

    public CsvFeatureTable(Stream stream, int features, bool follows)
    {
        _csv = new CsvWriter(new StreamWriter(stream, leaveOpen: true), CultureInfo.InvariantCulture);
        if (follows)
        {
            return;
        }

        _csv.WriteField("file");
        _csv.WriteField("folder");
        for (var feature = 0; feature < features; feature++)
        {
            _csv.WriteField($"feature_{feature}");
        }

        _csv.NextRecord();
    }

    public override void Add(string path, float[] features)
    {
        _csv.WriteField(path);
        _csv.WriteField(FolderOf(path));
        foreach (var value in features)
        {
            _csv.WriteField(value);
        }

        _csv.NextRecord();
    }

    public override void Dispose() => _csv.Dispose();
}
