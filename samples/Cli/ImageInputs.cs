using System.CommandLine;
using System.IO.Enumeration;
using Microsoft.Extensions.FileSystemGlobbing;

namespace Cli;

/// <summary>The images that a command is given: files, folders, globs and standard input.</summary>
internal sealed class ImageInputs
{
    /// <summary>Stands for an image on standard input.</summary>
    public const string StandardInput = "-";

    // What ML.NET decodes on every platform; in folders only. A file that is named is taken whatever its name.
    private static readonly HashSet<string> Extensions = new(
        [".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp"], StringComparer.OrdinalIgnoreCase);

    private readonly Argument<string[]> _inputs = new("images")
    {
        Description =
            "Image files; folders, searched at any depth; globs such as 'photos/**/*.jpg', quoted; or - for an image on standard input.",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private readonly Option<string?> _list = new("--paths-from")
    {
        Description = "A text file with more of these, one a line; - for standard input.",
        HelpName = "file",
    };

    public void AddTo(Command command)
    {
        command.Add(_inputs);
        command.Add(_list);
        command.Validators.Add(result =>
        {
            if (result.GetValue(_inputs) is not { Length: > 0 } && result.GetValue(_list) is null)
            {
                result.AddError(
                    "No images are given: name files, folders or globs after the model, - for standard input, or --paths-from.");
            }
            else if (result.GetValue(_list) == StandardInput && result.GetValue(_inputs)?.Contains(StandardInput) == true)
            {
                result.AddError("Standard input is either an image (-) or a list of paths (--paths-from -), not both.");
            }
        });
    }

    /// <summary>Lists the images, in the order given, those of a folder or glob in the order of their paths.</summary>
    /// <exception cref="IOException">A folder or glob has no images, or the list cannot be read.</exception>
    public string[] List(ParseResult arguments) =>
        [.. arguments.GetValue(_inputs)!.Concat(ReadList(arguments.GetValue(_list))).SelectMany(Expand)];

    private static IEnumerable<string> ReadList(string? path) => path switch
    {
        null => [],
        StandardInput => ReadLines(Console.In),
        _ => File.ReadLines(path).Where(line => line.Length > 0),
    };

    private static IEnumerable<string> ReadLines(TextReader reader)
    {
        while (reader.ReadLine() is { } line)
        {
            if (line.Length > 0)
            {
                yield return line;
            }
        }
    }

    private static IEnumerable<string> Expand(string input)
    {
        if (input == StandardInput || File.Exists(input))
        {
            return [input];
        }

        if (Directory.Exists(input))
        {
            return NotEmpty(ImagesBelow(input), $"Folder '{input}' has no images.");
        }

        // A file that is not there is named when it is read, and the rest go on.
        return input.Contains('*') ? NotEmpty(Glob(input), $"No file matches '{input}'.") : [input];
    }

    // As 'train' finds them: links to images are images, links to folders are not followed, since they could lead back here.
    private static FileSystemEnumerable<string> ImagesBelow(string folder)
    {
        var visible = new EnumerationOptions
        {
            RecurseSubdirectories = true,
            AttributesToSkip = FileAttributes.Hidden | FileAttributes.System,
        };
        return new(folder, (ref FileSystemEntry entry) => entry.ToSpecifiedFullPath(), visible)
        {
            ShouldIncludePredicate = (ref FileSystemEntry entry) =>
                !entry.IsDirectory && Extensions.Contains(Path.GetExtension(entry.FileName).ToString()),
            ShouldRecursePredicate = (ref FileSystemEntry entry) => !entry.Attributes.HasFlag(FileAttributes.ReparsePoint),
        };
    }

    private static IEnumerable<string> Glob(string pattern)
    {
        var segments = pattern.Replace('\\', '/').Split('/');
        var fixedSegments = segments.TakeWhile(segment => !segment.Contains('*')).Count();
        var folder = string.Join('/', segments[..fixedSegments]);
        folder = folder.Length > 0 ? folder : pattern.StartsWith('/') ? "/" : ".";
        if (!Directory.Exists(folder))
        {
            return [];
        }

        var matcher = new Matcher(StringComparison.Ordinal);
        matcher.AddInclude(string.Join('/', segments[fixedSegments..]));
        return matcher.GetResultsInFullPath(folder)
            .Select(path => folder == "." ? Path.GetRelativePath(".", path) : Path.Combine(folder, Path.GetRelativePath(folder, path)));
    }

    private static string[] NotEmpty(IEnumerable<string> paths, string otherwise)
    {
        string[] found = [.. paths.Order(StringComparer.Ordinal)];
        return found.Length > 0 ? found : throw new FileNotFoundException(otherwise);
    }
}
