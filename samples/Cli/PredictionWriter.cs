using System.Globalization;
using System.Text.Json;
using CsvHelper;

namespace Cli;

/// <summary>
/// Writes predictions to standard output: CSV and JSON as they are made, a table at the end. What has been
/// written when the command is stopped is whole.
/// </summary>
internal abstract class PredictionWriter : IDisposable
{
    /// <summary>Chooses the form.</summary>
    /// <param name="terminal">Where a table goes, and whether JSON is wanted.</param>
    /// <param name="csv">Whether CSV is wanted.</param>
    /// <param name="follows">Whether CSV or a table in lines will be joined to another one, which has the names of the columns.</param>
    public static PredictionWriter Create(Terminal terminal, bool csv, bool follows = false) =>
        terminal.WantsJson ? new Json() : csv ? new Csv(follows) : new Table(terminal, follows);

    public abstract void Write(Prediction prediction);

    public abstract void Dispose();

    // All digits that the number has, and no exponent, which spreadsheets and people misread: 0.000000000006887237.
    private static string Plain(float probability)
    {
        var text = probability.ToString(CultureInfo.InvariantCulture);
        if (text.IndexOf("E-", StringComparison.Ordinal) is not (>= 0 and var mark))
        {
            return text;
        }

        var exponent = int.Parse(text.AsSpan(mark + 2), CultureInfo.InvariantCulture);
        return $"0.{new string('0', exponent - 1)}{text[..mark].Replace(".", "", StringComparison.Ordinal)}";
    }

    private sealed class Table(Terminal terminal, bool follows) : PredictionWriter
    {
        private readonly List<string[]> _rows = [];

        public override void Write(Prediction prediction)
        {
            foreach (var (name, probability) in prediction.Classes)
            {
                _rows.Add([prediction.File, name, probability.ToString("p2", CultureInfo.InvariantCulture)]);
            }

            if (prediction.Classes.Length == 0)
            {
                _rows.Add([prediction.File, "-", "-"]); // no label
            }
        }

        public override void Dispose() => terminal.WriteTable(["file", "class", "probability"], _rows, follows);
    }

    private sealed class Csv : PredictionWriter
    {
        private readonly CsvWriter _csv = new(Console.Out, CultureInfo.InvariantCulture, leaveOpen: true);

        public Csv(bool follows)
        {
            if (!follows)
            {
                WriteRow("file", "rank", "class", "probability");
            }
        }

        public override void Write(Prediction prediction)
        {
            foreach (var (index, (name, probability)) in prediction.Classes.Index())
            {
                WriteRow(prediction.File, index + 1, name, Plain(probability));
            }

            if (prediction.Classes.Length == 0)
            {
                WriteRow(prediction.File, "", "", ""); // no label
            }
        }

        public override void Dispose() => _csv.Dispose();

        private void WriteRow(params ReadOnlySpan<object> fields)
        {
            foreach (var field in fields)
            {
                _csv.WriteField(field);
            }

            _csv.NextRecord();
        }
    }

    private sealed class Json : PredictionWriter
    {
        private readonly Utf8JsonWriter _json = new(Console.OpenStandardOutput(), new JsonWriterOptions { Indented = true });

        public Json() => _json.WriteStartArray();

        public override void Write(Prediction prediction)
        {
            _json.WriteStartObject();
            _json.WriteString("file", prediction.File);
            _json.WriteStartArray("classes");
            foreach (var (name, probability) in prediction.Classes)
            {
                _json.WriteStartObject();
                _json.WriteString("name", name);
                _json.WritePropertyName("probability");
                _json.WriteRawValue(Plain(probability));
                _json.WriteEndObject();
            }

            _json.WriteEndArray();
            _json.WriteEndObject();
            _json.Flush();
        }

        public override void Dispose()
        {
            _json.WriteEndArray();
            _json.Dispose();
            Console.Out.WriteLine();
        }
    }
}
