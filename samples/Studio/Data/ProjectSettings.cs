using System.Text.Json;
using Microsoft.ML.ResNet.Files;

namespace Studio.Data;

/// <summary>What a person decided about a project, in <c>studio.json</c>.</summary>
internal sealed class ProjectSettings
{
    private const int Version = 1;

    private static readonly JsonSerializerOptions s_readable = new(JsonSerializerOptions.Web) { WriteIndented = true };

    private readonly Lock _gate = new();
    private readonly string _path;
    private readonly HashSet<string> _kept;

    public ProjectSettings(ImageProject project)
    {
        _path = Path.Combine(project.Folder, "studio.json");
        try
        {
            var content = File.Exists(_path) ? JsonSerializer.Deserialize<Content>(File.ReadAllText(_path), s_readable) : null;
            _kept = [.. content?.CheckedLabels ?? []];
            Write(); // a folder with this file is a project
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"'{_path}' is no project file: {exception.Message} Correct it, or delete it.", exception);
        }
    }

    /// <summary>Gets the hashes of images whose labels a person looked at and found right.</summary>
    public HashSet<string> Kept
    {
        get
        {
            lock (_gate)
            {
                return [.. _kept];
            }
        }
    }

    /// <summary>Notes that an image's label is right.</summary>
    public void Keep(string hash)
    {
        lock (_gate)
        {
            _kept.Add(hash);
            Write();
        }
    }

    private void Write() =>
        WholeFile.Write(_path, stream => JsonSerializer.Serialize(stream, new Content(Version, [.. _kept.Order()]), s_readable));

    private sealed record Content(int Version, string[]? CheckedLabels);
}
