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
        var threshold = OptionValues.Share("--threshold",
            "For a network that was trained on images with any number of labels: those above this probability are told. [default: 0.5, or "
            + "the likeliest where --top is given]");
        var csv = new Option<bool>("--csv") { Description = "Write results as CSV: file,rank,class,probability." };
        var command = new Command("predict", "Classifies images: a table, CSV, or JSON. Needs no libtorch.");
        network.AddTo(command);
        images.AddTo(command);
        reading.AddTo(command);
        command.Add(top);
        command.Add(threshold);
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
            using var classifier = network.Open(arguments, reader, terminal, cancellation);
            var least = arguments.GetValue(threshold);
            UsageException.ThrowIf(least is not null && !classifier.HasSeveralLabels,
                $"--threshold is for networks of any number of labels, but '{classifier.Source}' gives an image one class: leave it out.");
            var tellsLabels = classifier.HasSeveralLabels && (least is not null || arguments.GetResult(top) is null or { Implicit: true });
            if (DistributedJob.Rank > 0)
            {
                return results.Send(Classify, reader);
            }

            using var writer = PredictionWriter.Create(terminal, arguments.GetValue(csv), share.Follows(arguments));
            Classify(writer.Write);
            results.Receive(writer.Write, reader);
            return reader.ExitCode;

            void Classify(Action<Prediction> write) =>
                reader.Predict("classifying", results.Paths, classifier.Predictor, (index, prediction) =>
                    write(new Prediction(
                        results.Paths[index], tellsLabels ? Above(prediction, least) : Likeliest(prediction, arguments.GetValue(top)))));
        });
    }

    private static ClassProbability[] Above(ResNetPrediction prediction, double? threshold) =>
        [.. prediction.Above((float)(threshold ?? 0.5)).Select(each => new ClassProbability(each.Label, each.Probability))];

    private static ClassProbability[] Likeliest(ResNetPrediction prediction, int count) =>
        [.. prediction.Top(count).Select(each => new ClassProbability(each.Label, each.Probability))];
}
