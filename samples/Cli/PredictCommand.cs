using System.CommandLine;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Trainers;

namespace Cli;

/// <summary><c>predict</c>: the likeliest classes of images.</summary>
internal static class PredictCommand
{
    public static Command Create()
    {
        var (network, images, reading, share) = (new NetworkOptions(), new ImageInputs(), new ReadingOptions(), new InputShare());
        var top = OptionValues.Whole("--top", "How many classes are told for each image.", least: 1, byDefault: 1);
        var csv = new Option<bool>("--csv") { Description = "Write results as CSV: file,rank,class,probability." };
        var command = new Command("predict", "Classifies images: a table, CSV, or JSON. Needs no libtorch.");
        network.AddTo(command);
        images.AddTo(command);
        reading.AddTo(command);
        command.Add(top);
        command.Add(csv);
        share.AddTo(command);
        command.Validators.Add(result =>
        {
            if (result.GetValue(csv) && result.GetValue(Terminal.Json))
            {
                result.AddError("Results are written either as --csv or as --json.");
            }
        });
        return command.Runs((arguments, terminal, cancellation) =>
        {
            var results = new RankResults<Prediction>(
                share.Of(arguments, images.List(arguments)), Prediction.Write, Prediction.Read, cancellation);
            var reader = reading.NewReader(arguments, terminal, cancellation);
            using var predictor = Classifier.Predictor(network.Load(arguments, terminal, cancellation), reader);
            if (DistributedJob.Rank > 0)
            {
                return results.Send(Classify, reader);
            }

            using var writer = PredictionWriter.Create(terminal, arguments.GetValue(csv), share.Follows(arguments));
            Classify(writer.Write);
            results.Receive(writer.Write, reader);
            return reader.ExitCode;

            void Classify(Action<Prediction> write) =>
                reader.Predict("classifying", results.Paths, predictor, (index, prediction) =>
                    write(new Prediction(results.Paths[index], Likeliest(prediction, arguments.GetValue(top)))));
        });
    }

    private static ClassProbability[] Likeliest(ResNetPrediction prediction, int count) =>
        [.. prediction.Top(count).Select(each => new ClassProbability(each.Label, each.Probability))];
}
