using System.CommandLine;
using System.Globalization;
using Microsoft.ML.ResNet;

namespace Cli;

/// <summary><c>similar</c>: the images that look most like one.</summary>
internal static class SimilarCommand
{
    public static Command Create()
    {
        var (network, images, reading) = (new NetworkOptions(), new ImageInputs(), new ReadingOptions());
        var like = new Option<string>("--like")
        {
            Description = "The image that others are compared with.",
            Required = true,
            HelpName = "image",
        }.Named();
        var count = OptionValues.Whole("--top", "How many images are told.", least: 1, byDefault: 10);
        var command = new Command(
            "similar",
            "Finds the images that look most like one, to the network: those whose features point the same way. "
            + "Needs no libtorch, and no head.");
        network.AddTo(command);
        images.AddTo(command);
        command.Add(like);
        command.Add(count);
        reading.AddTo(command);
        return command.Runs((arguments, terminal, cancellation) =>
        {
            var paths = images.List(arguments);
            var reader = reading.NewReader(arguments, terminal, cancellation);
            using var classifier = network.Open(arguments, reader, terminal, cancellation);
            var predictor = classifier.Predictor;
            var wanted = predictor.Embed(arguments.GetValue(like)!);
            var embeddings = new List<ImageEmbedding>();
            reader.Embed("comparing", paths, predictor, (index, features) => embeddings.Add(new ImageEmbedding(paths[index], features)));
            var found = SimilarImages.Of(embeddings).Find(wanted, arguments.GetValue(count));
            terminal.Write(
                found.Select(each => new { file = each.Path, similarity = each.Similarity }).ToArray(),
                results => terminal.WriteTable(
                    ["file", "similarity"],
                    results.Select(each => (string[])[each.file, each.similarity.ToString("f4", CultureInfo.InvariantCulture)])));
            return reader.ExitCode;
        });
    }
}
