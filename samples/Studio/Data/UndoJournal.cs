using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.ML.ResNet.Files;

namespace Studio.Data;

/// <summary>The changes that can be taken back, in <c>undo.json</c> of the project: they outlive the program.</summary>
internal sealed class UndoJournal
{
    private const int Version = 1;
    private const int MostChanges = 200;

    // In all. The file is written with each change; the last change is kept whatever its size.
    private const int MostMoves = 10_000;

    private static readonly JsonSerializerOptions s_readable = new(JsonSerializerOptions.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // read by people, and never put into a page
    };

    private readonly string _path;
    private readonly List<Change> _changes;

    public UndoJournal(string folder)
    {
        _path = Path.Combine(folder, "undo.json");
        _changes = Read(_path);
    }

    /// <summary>Gets the change that is taken back next; null if there is none.</summary>
    public Change? Last => _changes.LastOrDefault();

    /// <summary>Notes a change; old ones are forgotten.</summary>
    public void Add(Change change)
    {
        _changes.Add(change);
        var moves = _changes.Sum(each => each.Moves.Length);
        while (_changes.Count > 1 && (_changes.Count > MostChanges || moves > MostMoves))
        {
            moves -= _changes[0].Moves.Length;
            _changes.RemoveAt(0);
        }

        Write();
    }

    /// <summary>Forgets the last change.</summary>
    public void RemoveLast()
    {
        _changes.RemoveAt(_changes.Count - 1);
        Write();
    }

    // Without what it can read there is nothing to take back, and that is no reason not to start: the images are where they are.
    private static List<Change> Read(string path)
    {
        try
        {
            var content = File.Exists(path) ? JsonSerializer.Deserialize<Content>(File.ReadAllText(path), s_readable) : null;
            return [.. (content?.Changes ?? []).Where(IsWhole)];
        }
        catch (JsonException)
        {
            return [];
        }
    }

    private static bool IsWhole(Change? change) =>
        change is { What: not null, Moves: not null } && change.Moves.All(move => move is { From: not null, To: not null });

    private void Write() =>
        WholeFile.Write(_path, stream => JsonSerializer.Serialize(stream, new Content(Version, [.. _changes]), s_readable));

    private sealed record Content(int Version, Change[]? Changes);
}

/// <summary>A change that a person made to the images.</summary>
/// <param name="What">What it was, in words.</param>
/// <param name="When">When it was made.</param>
/// <param name="Moves">The files and folders that it moved, in this order.</param>
internal sealed record Change(string What, DateTimeOffset When, Move[] Moves);

/// <summary>A file or folder that was moved; both paths are from the project's folder, with slashes.</summary>
internal sealed record Move(string From, string To);
