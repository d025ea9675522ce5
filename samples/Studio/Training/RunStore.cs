using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.ML.ResNet.Files;
using Studio.Data;

namespace Studio.Training;

/// <summary>The runs of a project: a folder for each, that a person can read.</summary>
internal sealed class RunStore(ImageProject project)
{
    private const string Prefix = "run-";

    private static readonly JsonSerializerOptions s_readable = new(JsonSerializerOptions.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // the files are read by people, and never put into a page
    };

    private readonly Lock _gate = new();

    /// <summary>Lists the runs, the newest first.</summary>
    public TrainingRun[] All()
    {
        lock (_gate)
        {
            return
            [
                .. new DirectoryInfo(project.RunsFolder).EnumerateDirectories($"{Prefix}*")
                    .Where(folder => folder.LinkTarget is null && Number(folder.Name) > 0)
                    .OrderByDescending(folder => Number(folder.Name))
                    .Select(folder => Read<TrainingRun>(folder.Name, "run.json")).OfType<TrainingRun>(),
            ];
        }
    }

    public TrainingRun Get(string? id) =>
        id is not null && Number(id) > 0 && Read<TrainingRun>(id, "run.json") is { } run
            ? run
            : throw new RefusedException($"There is no run '{id}'.", StatusCodes.Status404NotFound);

    /// <summary>Gets the path of a file of a run.</summary>
    public string PathOf(string id, string file) => Number(id) > 0
        ? Path.Combine(project.RunsFolder, id, file)
        : throw new RefusedException($"'{id}' is no run.", StatusCodes.Status404NotFound);

    public bool Has(string id, string file) => File.Exists(PathOf(id, file));

    /// <summary>Makes the folder of a new run.</summary>
    public string NewId()
    {
        lock (_gate)
        {
            var last = Directory.EnumerateDirectories(project.RunsFolder).Select(path => Number(Path.GetFileName(path))).DefaultIfEmpty()
                .Max();
            var id = string.Create(CultureInfo.InvariantCulture, $"{Prefix}{last + 1}");
            Directory.CreateDirectory(Path.Combine(project.RunsFolder, id));
            return id;
        }
    }

    public void Write<T>(string id, string file, T content)
    {
        lock (_gate)
        {
            WholeFile.Write(PathOf(id, file), stream => JsonSerializer.Serialize(stream, content, s_readable));
        }
    }

    public T? Read<T>(string id, string file)
        where T : class
    {
        var path = PathOf(id, file);
        lock (_gate)
        {
            if (!File.Exists(path))
            {
                return null;
            }

            try
            {
                using var stream = File.OpenRead(path);
                return JsonSerializer.Deserialize<T>(stream, s_readable);
            }
            catch (JsonException)
            {
                return null; // written by hand, or by another version
            }
        }
    }

    /// <summary>Adds a point to the curves.</summary>
    public void Append(string id, Point point) =>
        File.AppendAllText(PathOf(id, "progress.jsonl"), JsonSerializer.Serialize(point, JsonSerializerOptions.Web) + "\n");

    public Point[] Points(string id)
    {
        var path = PathOf(id, "progress.jsonl");
        if (!File.Exists(path))
        {
            return [];
        }

        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(stream);
        var points = new List<Point>();
        while (reader.ReadLine() is { } line)
        {
            if (TryParse(line) is not { } point)
            {
                continue;
            }

            // After a stop the run went on from the last checkpoint: what was after it was done again. An epoch's end may have the step of
            // a point within the epoch, but not that of an end.
            while (points.Count > 0 && points[^1].Step >= point.Step
                && (points[^1].Step > point.Step || points[^1].EndsEpoch || !point.EndsEpoch))
            {
                points.RemoveAt(points.Count - 1);
            }

            points.Add(point);
        }

        return [.. points];
    }

    private static Point? TryParse(string line)
    {
        try
        {
            return JsonSerializer.Deserialize<Point>(line, JsonSerializerOptions.Web);
        }
        catch (JsonException)
        {
            return null; // the server ended while it wrote
        }
    }

    private static int Number(string id) =>
        id.StartsWith(Prefix, StringComparison.Ordinal)
        && int.TryParse(id.AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && id == string.Create(CultureInfo.InvariantCulture, $"{Prefix}{number}")
            ? number
            : 0;
}
