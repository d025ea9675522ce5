using System.Diagnostics;
using System.Numerics.Tensors;
using Microsoft.ML;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Files;
using Microsoft.ML.ResNet.Trainers;
using Studio.Data;
using Studio.Evaluation;

namespace Studio.Training;

/// <summary>Works on one run: trains, saves, tests, reports. What it leaves in the run's folder is enough to go on after any
/// stop.</summary>
internal sealed class TrainingJob(RunStore store, ImageProject project, ImageCheck check)
{
    private const int ReportedMistakes = 24;

    /// <summary>Trains a run to its end.</summary>
    /// <param name="run">The run; its images are listed.</param>
    /// <param name="start">The weights to start from.</param>
    /// <param name="tell">Is told what changed.</param>
    /// <param name="point">Is told each point of the curves.</param>
    /// <param name="cancellation">Stops it, with a checkpoint.</param>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public TrainingRun Run(
        TrainingRun run, StartingPoint start, Action<TrainingRun> tell, Action<Point> point, CancellationToken cancellation)
    {
        var images = store.Read<RunImage[]>(run.Id, "images.json")
            ?? throw new InvalidDataException($"The list of images of {run.Id} is missing or damaged. Start a new run.");
        var ml = new MLContext(run.Settings.Seed);
        RunImage[] learned = [.. images.Where(image => !image.IsTest)];
        var files = Rows(ml, learned);
        var stages = ImageRows.Stages(ml, files);
        var data = stages.Transform(files);
        var clock = Stopwatch.StartNew();
        var progress = new PointProgress(learned, ImageRows.ClassNames(data), each =>
        {
            if (run.State == RunState.Preparing)
            {
                tell(run = run with { State = RunState.Training, Message = null });
            }

            point(each);
        });
        using var network = ml.MulticlassClassification.Trainers.ResNet(run.Settings.ToOptions(
            start, cancellation, store.PathOf(run.Id, ""), progress)).Fit(data);
        var history = network.History;
        tell(run = run with
        {
            State = RunState.Testing,
            Message = "Testing the network on images that it has not seen.",
            Classes = [.. network.ClassNames],
            TrainingImages = history.TrainingImages,
            ValidationImages = history.ValidationImages,
            SkippedImages = history.SkippedImages,
            StoppedEarly = history.StoppedEarly,
            NoBetterThanChance = history.NoBetterThanChance,
            Seconds = run.Seconds + clock.Elapsed.TotalSeconds,
        });
        WholeFile.Write(store.PathOf(run.Id, "model.zip"), stream =>
            ml.Model.Save(ImageRows.Chain(ml, stages, network, files), files.Schema, stream));
        cancellation.ThrowIfCancellationRequested();
        return Test(run, ml, network, images, stages, cancellation);
    }

    private TrainingRun Test(
        TrainingRun run, MLContext ml, ResNetClassificationTransformer network, RunImage[] images, ITransformer stages,
        CancellationToken cancellation)
    {
        RunImage[] test =
        [
            .. images.Where(image => image.IsTest && network.ClassNames.Contains(image.Class))
                .AsParallel().AsOrdered().WithCancellation(cancellation)
                .Select(image => image with { Image = project.Find(image.Image) ?? image.Image })
                .Where(image => check.IsReadable(image.Image)),
        ];
        if (test.Length == 0)
        {
            return run with { State = RunState.Done, Message = "There was no image to test on: the accuracy is unknown.", TestImages = 0 };
        }

        var result = Evaluator.Evaluate(network, test, project.PathOf, cancellation);
        store.Write(run.Id, "evaluation.json", result);
        var files = Rows(ml, test);
        network.WriteReport(store.PathOf(run.Id, "report.html"), stages.Transform(files), new ReportOptions
        {
            Title = $"{Path.GetFileName(project.Folder)}, {run.Id}",
            WorstMistakes = ReportedMistakes,
            LayerResponseImages = 0,
            TestTimeViews = [],
            CancellationToken = cancellation,
        });
        return run with { State = RunState.Done, Message = null, TestImages = test.Length, Accuracy = result.Accuracy };
    }

    private IDataView Rows(MLContext ml, IEnumerable<RunImage> images) => ml.Data.LoadFromEnumerable(images.Select(
        image => new ImageFolderRow
    {
        ImagePath = project.PathOf(project.Find(image.Image) ?? image.Image),
        Label = image.Class,
    }).ToArray());

    private sealed class PointProgress(RunImage[] images, string[] classes, Action<Point> point) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => point(new Point(
            value.Epoch, value.Epochs, value.Step, value.Steps,
            value.Finished?.Loss ?? value.Loss,
            value.Finished?.Accuracy ?? value.TrainingAccuracy,
            value.Finished?.ValidationAccuracy ?? value.ValidationAccuracy,
            value.Finished?.ValidationLoss,
            value.LearningRate, value.ImagesPerSecond, value.TimeLeft.TotalSeconds, value.Finished is not null)
        {
            Samples = value.Samples.IsEmpty ? null : [.. value.Samples.Select(Sampled)],
        });

        private SampledImage Sampled(SamplePrediction sample)
        {
            var image = images[sample.Row];
            var scores = sample.Scores.AsSpan();
            var best = TensorPrimitives.IndexOfMax(scores);
            return new SampledImage(
                image.Image, image.Class, classes[best], scores[best], scores[Array.IndexOf(classes, image.Class)]);
        }
    }
}
