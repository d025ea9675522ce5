using Parquet;
using Parquet.Schema;

namespace Cli;

/// <summary>Writes features as Apache Parquet. It is written by columns, so that a group of rows is kept until it is full.</summary>
internal sealed class ParquetFeatureTable : FeatureTable
{
    private const int RowsPerGroup = 4096; // 32 MB for 2048 features

    private readonly DataField[] _texts = [new DataField<string>("file"), new DataField<string>("folder")];
    private readonly DataField[] _features;
    private readonly ParquetWriter _writer;
    private readonly List<(string Path, float[] Features)> _rows = [];

    public ParquetFeatureTable(Stream stream, int features)
    {
        _features = [.. Enumerable.Range(0, features).Select(feature => new DataField<float>($"feature_{feature}"))];
        _writer = ParquetWriter.CreateAsync(new ParquetSchema([.. _texts, .. _features]), stream).GetAwaiter().GetResult();
    }

    public override void Add(string path, float[] features)
    {
        _rows.Add((path, features));
        if (_rows.Count == RowsPerGroup)
        {
            WriteGroup().GetAwaiter().GetResult();
        }
    }

    public override void Dispose()
    {
        if (_rows.Count > 0)
        {
            WriteGroup().GetAwaiter().GetResult();
        }

        _writer.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }

    private async Task WriteGroup()
    {
        using var group = _writer.CreateRowGroup();
        await group.WriteAsync(_texts[0], _rows.Select(row => row.Path).ToArray());
        await group.WriteAsync(_texts[1], _rows.Select(row => FolderOf(row.Path)).ToArray());
        var column = new float[_rows.Count];
        foreach (var (feature, field) in _features.Index())
        {
            for (var row = 0; row < column.Length; row++)
            {
                column[row] = _rows[row].Features[feature];
            }

            await group.WriteAsync<float>(field, column);
        }

        _rows.Clear();
    }
}
