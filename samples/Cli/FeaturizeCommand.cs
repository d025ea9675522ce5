using System.CommandLine;
using Microsoft.ML.ResNet.Files;
using Microsoft.ML.ResNet.Trainers;

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
            var isFirst = DistributedJob.Rank == 0; // which alone writes, where there are several processes
            var path = arguments.GetValue(output)!;
            path = isFirst ? OutputFile.Checked(path) : path;
            var create = FeatureTable.For(path, share.Follows(arguments));
            var reader = reading.NewReader(arguments, terminal, cancellation);
            using var classifier = network.Open(arguments, reader, terminal, cancellation);
            var predictor = classifier.Predictor;
            var paths = share.Of(arguments, images.List(arguments));
            var results = new RankResults<ImageFeatures>(paths, ImageFeatures.Write, ImageFeatures.Read, cancellation);
            if (!isFirst)
            {
                return results.Send(Embed, reader);
            }

            WholeFile.Write(path, stream =>
            {
                using var table = create(stream, predictor.FeatureCount);
                Embed(Add);
                results.Receive(Add, reader);

                void Add(ImageFeatures features) => table.Add(features.File, features.Values);
            });
            terminal.Write(
                new { output = path, images = paths.Length - reader.Failed, failed = reader.Failed, features = predictor.FeatureCount },
                result => terminal.Say($"Wrote {result.features:n0} features of {result.images:n0} images to {path}."));
            return reader.ExitCode;

            void Embed(Action<ImageFeatures> add) =>
                reader.Embed("computing features", results.Paths, predictor, (index, features) =>
                    add(new ImageFeatures(results.Paths[index], features)));
        });
    }
}
