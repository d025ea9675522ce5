using Microsoft.Data.Sqlite;
using Microsoft.ML.ResNet;
using QuickStart;
using SkiaSharp;

namespace InMemory;

/// <summary>A SQLite file with a table of pictures: their class, and their content as PNG.</summary>
internal sealed class PictureDatabase
{
    private readonly string _connection;

    private PictureDatabase(string path, SqliteOpenMode mode) =>
        _connection = new SqliteConnectionStringBuilder { DataSource = path, Mode = mode, Pooling = false }.ToString();

    /// <summary>Opens the file; draws pictures into it first, if it is not there.</summary>
    public static PictureDatabase OpenOrDraw(string path, int perClass, int seed)
    {
        if (!File.Exists(path))
        {
            // In a file beside it first: what was stopped half-way is not taken for all pictures.
            var unfinished = path + ".unfinished";
            File.Delete(unfinished);
            File.Delete(unfinished + "-journal");
            new PictureDatabase(unfinished, SqliteOpenMode.ReadWriteCreate).Draw(perClass, seed);
            File.Move(unfinished, path);
        }

        var database = new PictureDatabase(path, SqliteOpenMode.ReadOnly);
        database.Check(path);
        return database;
    }

    /// <summary>Reads all pictures, anew for each enumeration. An image is gone when the next one is asked for.</summary>
    public IEnumerable<Picture> Read()
    {
        using var connection = Open();
        using var command = new SqliteCommand("SELECT id, class, content FROM pictures ORDER BY id", connection);
        using var reader = command.ExecuteReader();
        while (reader.Read())
        {
            using var image = ResNetImage.Decode(reader.GetFieldValue<byte[]>(2));
            yield return new Picture { Image = image, Label = reader.GetString(1) };
        }
    }

    /// <summary>Opens one picture's content as a stream.</summary>
    public Stream OpenPicture(long id, out string label)
    {
        using var connection = Open();
        using var command = new SqliteCommand("SELECT class, content FROM pictures WHERE id = $id", connection);
        command.Parameters.AddWithValue("$id", id);
        using var reader = command.ExecuteReader();
        if (!reader.Read())
        {
            throw new InvalidDataException($"The database has no picture {id}.");
        }

        label = reader.GetString(0);
        return new MemoryStream((byte[])reader.GetValue(1));
    }

    private void Draw(int perClass, int seed)
    {
        var painter = new ShapePainter(size: 32, new Random(seed));
        using var connection = Open();
        using var transaction = connection.BeginTransaction();
        using (var create = new SqliteCommand(
            "CREATE TABLE pictures (id INTEGER PRIMARY KEY, class TEXT NOT NULL, content BLOB NOT NULL)", connection, transaction))
        {
            create.ExecuteNonQuery();
        }

        using var insert = new SqliteCommand("INSERT INTO pictures (class, content) VALUES ($class, $content)", connection, transaction);
        var (name, content) = (insert.Parameters.Add("$class", SqliteType.Text), insert.Parameters.Add("$content", SqliteType.Blob));
        for (var picture = 0; picture < perClass; picture++)
        {
            foreach (var shape in Shape.All)
            {
                using var bitmap = painter.Paint(shape);
                using var png = bitmap.Encode(SKEncodedImageFormat.Png, quality: 100);
                (name.Value, content.Value) = (shape.Name, png.ToArray());
                insert.ExecuteNonQuery();
            }
        }

        transaction.Commit();
    }

    // SQLite's own words name no file.
    private void Check(string path)
    {
        try
        {
            using var connection = Open();
            using var command = new SqliteCommand("SELECT id, class, content FROM pictures LIMIT 1", connection);
            command.ExecuteScalar();
        }
        catch (SqliteException exception)
        {
            throw new InvalidDataException(
                $"'{path}' has no pictures that can be read: {exception.Message.TrimEnd('.')}. It must be a SQLite file with a table "
                + "'pictures' of id, class and content; where there is no file, one is drawn.",
                exception);
        }
    }

    private SqliteConnection Open()
    {
        var connection = new SqliteConnection(_connection);
        connection.Open();
        return connection;
    }
}
