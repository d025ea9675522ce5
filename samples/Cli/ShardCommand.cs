using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Cli;

/// <summary><c>shard</c>: packs a folder of images into tar archives that are read as streams.</summary>
internal static class ShardCommand
{
    private const string DefaultSize = "100MB";

    public static Command Create()
    {
        var data = new Argument<string>("data") { Description = "Folder of images, one sub-folder per class." };
        var output = new Option<string>("--out", "-o")
        {
            Description = "The folder to write to; it is made if it is not there.",
            Required = true,
            HelpName = "folder",
        }.Named();
        var size = new Option<long?>("--size")
        {
            Description = $"The most bytes of a shard, with KB, MB or GB after the number. [default: {DefaultSize}]",
            HelpName = "size",
            CustomParser = result => ParseSize(result),
        };
        var name = new Option<string>("--name")
        {
            Description = "What the files' names begin with: NAME-000000.tar.",
            HelpName = "name",
            DefaultValueFactory = _ => "shard",
        };
        var seed = new Option<int>("--seed")
        {
            Description = "The seed of the order: images are mixed before they are packed.",
            HelpName = "number",
            DefaultValueFactory = _ => 0,
            CustomParser = OptionValues.ParseInteger,
        };
        var noCheck = new Option<bool>("--no-check")
        {
            Description = "Pack files as they are. Without it each image is decoded first, and one that is damaged is named and left out.",
        };
        var command = new Command(
            "shard",
            "Packs a folder of images into shards: tar archives in WebDataset's format, mixed, which LoadImageShards reads as streams. "
            + "The same folder, size and seed give the same bytes. Needs no libtorch.");
        command.Add(data);
        command.Add(output);
        command.Add(size);
        command.Add(name);
        command.Add(seed);
        command.Add(noCheck);
        command.Validators.Add(result =>
        {
            if (result.GetValue(name) is { } start && (start.Length == 0 || start.AsSpan().ContainsAny("/\\{},")))
            {
                result.AddError($"--name is '{start}', but must be the beginning of a file's name, without / \\ {{ }} and commas.");
            }
        });
        return command.Runs((arguments, terminal, cancellation) =>
        {
            ShardWriter.RefuseExisting(arguments.GetValue(output)!, arguments.GetValue(name)!);
            var labeled = LabeledImages.In(arguments.GetValue(data)!);
            var reader = new ImageReader(maxPixels: null, exifOrientation: false, terminal, cancellation);
            if (!arguments.GetValue(noCheck))
            {
                labeled = labeled.Readable("checking images", reader);
            }

            var mostBytes = arguments.GetValue(size) ?? ShardSize.Parse(DefaultSize)!.Value;
            var writer = new ShardWriter(
                labeled, arguments.GetValue(output)!, arguments.GetValue(name)!, mostBytes, arguments.GetValue(seed))
            {
                Failed = terminal.Say,
            };
            var written = terminal.Track("writing shards", bar => writer.Write(bar, cancellation));
            var failed = reader.Failed + written.Failed;
            terminal.Write(
                new
                {
                    shards = written.Pattern,
                    count = written.Shards,
                    images = written.Images,
                    failed,
                    bytes = written.Bytes,
                },
                result => terminal.Say(string.Create(
                    CultureInfo.InvariantCulture,
                    $"Wrote {result.images:n0} images of {labeled.Classes.Length:n0} classes into {result.count:n0} shards, ")
                    + string.Create(CultureInfo.InvariantCulture, $"{result.bytes:n0} bytes: {result.shards}")));
            return failed == 0 ? ExitCode.Success : ExitCode.Failure;
        });
    }

    private static long ParseSize(ArgumentResult result)
    {
        if (ShardSize.Parse(result.Tokens[^1].Value) is { } bytes)
        {
            return bytes;
        }

        OptionValues.Refuse(result, "a size from 10KB to 1000GB, such as 100MB");
        return 0;
    }
}
