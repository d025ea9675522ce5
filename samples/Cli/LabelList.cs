using System.Collections.Immutable;
using System.Globalization;
using CsvHelper;
using CsvHelper.Configuration;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Files;

namespace Cli;

/// <summary>Reads a CSV file with a line for each image: its path, and any number of labels with | or ; between them.</summary>
internal static class LabelList
{
    /// <summary>Stands between the labels of a row that was read.</summary>
    public const char Separator = '|';

    private static readonly char[] Separators = [Separator, ';'];

    // What a first line may call its paths.
    private static readonly string[] Headings = ["file", "path", "image", "filename", "imagepath"];

    /// <summary>Tells whether a path names such a file, and not a folder.</summary>
    public static bool IsOne(string path) =>
        Path.GetExtension(path).Equals(".csv", StringComparison.OrdinalIgnoreCase) && !Directory.Exists(path);

    /// <summary>Reads the images of a file; paths are relative to its folder.</summary>
    /// <returns>The images, each with its labels in order, <see cref="Separator"/> between them.</returns>
    /// <exception cref="IOException">The file or an image does not exist.</exception>
    /// <exception cref="InvalidDataException">The file has no images, or a line is not as it must be.</exception>
    public static ImageFolderRow[] Read(string path)
    {
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"There is no CSV file '{path}' (looked for '{Path.GetFullPath(path)}').");
        }

        using var csv = new CsvReader(
            new StreamReader(RegularFile.OpenRead(path)),
            new CsvConfiguration(CultureInfo.InvariantCulture) { HasHeaderRecord = false, BadDataFound = null });
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        var (rows, lines) = (new List<ImageFolderRow>(), new Dictionary<string, int>(StringComparer.Ordinal));
        while (csv.Read())
        {
            var line = csv.Parser.RawRow;
            var fields = csv.Parser.Record!;
            if (rows.Count == 0 && line == 1 && Headings.Contains(fields[0].Trim(), StringComparer.OrdinalIgnoreCase))
            {
                continue;
            }

            if (fields.Length > 2)
            {
                throw new InvalidDataException(
                    $"Line {line} of '{path}' has {fields.Length} fields, but must have two: the path of an image, and its labels with "
                    + "| or ; between them. Put quotes around a path or a label that has a comma.");
            }

            var image = Path.Combine(folder, fields[0].Trim());
            if (!File.Exists(image))
            {
                throw new FileNotFoundException(
                    $"Line {line} of '{path}' names the image '{fields[0]}', but there is no file '{image}'. Paths are relative to the "
                    + "folder of the CSV file.");
            }

            if (!lines.TryAdd(image, line))
            {
                throw new InvalidDataException(
                    $"Line {line} of '{path}' names the image '{fields[0]}', as line {lines[image]} does: put all of its labels into one.");
            }

            rows.Add(new ImageFolderRow { ImagePath = image, Label = string.Join(Separator, Labels(fields.ElementAtOrDefault(1) ?? "")) });
        }

        return rows.Count > 0 ? [.. rows] : throw new InvalidDataException($"'{path}' has no line with an image.");
    }

    /// <summary>Gets the labels of a row that was read, or of a field of the file.</summary>
    public static ImmutableArray<string> Labels(string labels) =>
    [
        .. labels.Split(Separators, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal),
    ];
}
