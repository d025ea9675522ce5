using System.CommandLine;

namespace Cli;

/// <summary>What every command that reads images is told about how.</summary>
internal sealed class ReadingOptions
{
    private readonly Option<long?> _maxPixels = OptionValues.Large("--max-pixels",
        "The most pixels of an image; one with more is not decoded. [default: 178956970, or less where memory is small]", least: 1,
            most: 536_870_911);

    private readonly Option<bool> _exifOrientation = new("--exif-orientation")
    {
        Description = "Turn photographs as their EXIF orientation says. ML.NET does not: "
            + "turn those that are trained on and those that are scored, or neither.",
    };

    public void AddTo(Command command)
    {
        command.Add(_maxPixels);
        command.Add(_exifOrientation);
    }

    public long? MaxPixels(ParseResult arguments) => arguments.GetValue(_maxPixels);

    public bool ExifOrientation(ParseResult arguments) => arguments.GetValue(_exifOrientation);

    /// <summary>Makes what reads a command's images.</summary>
    public ImageReader NewReader(ParseResult arguments, Terminal terminal, CancellationToken cancellation) =>
        new(MaxPixels(arguments), ExifOrientation(arguments), terminal, cancellation);
}
