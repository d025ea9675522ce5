using System.CommandLine;
using Microsoft.ML.ResNet.Files;

namespace Cli;

/// <summary><c>featurize</c>: images as the vectors that the network's head reads, for any other tool.</summary>
internal static class FeaturizeCommand
{
    public static Command Create()
    {
        var (network, images, reading, share) = (new NetworkOptions(), new ImageInputs(), new ReadingOptions(), new InputShare());
        var output = new Option<string>("--output", "-o")
        {
            Description = "The file to write: .parquet or .csv. Columns: file, folder (the folder that the image is in), "
                + "feature_0, feature_1, ….",
            Required = true,
            HelpName = "file",
        }.Named().EndsIn(".parquet", ".csv");
        var command = new Command("featurize", "Writes the pooled features of images as a table. Needs no libtorch, and no head.");
        network.AddTo(command);
        images.AddTo(command);
        reading.AddTo(command);
        command.Add(output);
        share.AddTo(command);
        return command.Runs((arguments, terminal, cancellation) =>
        {
            var path = OutputFile.Checked(arguments.GetValue(output)!);
            var create = FeatureTable.For(path, share.Follows(arguments));
            var reader = reading.NewReader(arguments, terminal, cancellation);
            using var predictor = Classifier.Predictor(network.Load(arguments, terminal, cancellation), reader);
            var paths = share.Of(arguments, images.List(arguments));
            WholeFile.Write(path, stream =>
            {
                using var table = create(stream, predictor.FeatureCount);
                reader.Embed("computing features", paths, predictor, (index, features) => table.Add(paths[index], features));
            });
            terminal.Write(
                new { output = path, images = paths.Length - reader.Failed, failed = reader.Failed, features = predictor.FeatureCount },
                result => terminal.Say($"Wrote {result.features:n0} features of {result.images:n0} images to {path}."));
            return reader.ExitCode;
        });
    }
}
