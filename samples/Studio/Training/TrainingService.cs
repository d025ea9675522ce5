using System.Diagnostics;
using Microsoft.ML;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Trainers;
using Samples;
using SkiaSharp;
using Studio.Data;
using Studio.Hosting;
using Studio.Use;

namespace Studio.Training;

/// <summary>Starts runs, one at a time, and lets them go on: also those that the end of the server interrupted.</summary>
internal sealed class TrainingService(
    StudioOptions options, ImageProject project, ImageCheck check, RunStore store, ModelCache models, EventStream events,
    ILogger<TrainingService> log) : IHostedLifecycleService
{
    private const int SampledHeaders = 40;
    private const int MeasuredImages = 48;
    private const int FewImages = 12;

    // What is smaller says little to a network that was trained on 224 pixels.
    private const int SmallestPhotograph = 128;

    // The part of the content's hashes whose images are tested on, where the folder does not say which.
    private const double TestShare = 0.2;

    private static readonly TimeSpan s_measuredTime = TimeSpan.FromSeconds(6);

    private readonly Lock _gate = new();
    private Work? _work;

    /// <summary>Gets the run that is being worked on.</summary>
    public string? Active
    {
        get
        {
            lock (_gate)
            {
                return _work?.Id;
            }
        }
    }

    /// <summary>Goes on with what was being worked on when the server ended, once the server listens: else nothing begins.</summary>
    public Task StartedAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_work is null && store.All().FirstOrDefault(run => RunState.IsActive(run.State)) is { } interrupted)
            {
                Begin(interrupted);
            }
        }

        return Task.CompletedTask;
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Lets the run write a checkpoint. Its state stays: it goes on when the server is started again.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        Work? work;
        lock (_gate)
        {
            work = _work;
        }

        if (work is not null)
        {
            work.IsServerStopping = true;
            await work.Cancellation.CancelAsync();
            await work.Task.WaitAsync(cancellationToken);
        }
    }

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Starts a run.</summary>
    public TrainingRun Start(TrainingRequest request)
    {
        RefuseIfBusy();
        var images = List();
        var start = StartOf(request.Start);
        var settings = Settings(request, start, images);
        var run = new TrainingRun
        {
            Id = store.NewId(),
            State = RunState.Preparing,
            Settings = settings,
            Created = DateTimeOffset.Now,
            Message = "Reading the images.",
            Classes = [.. images.Select(image => image.Class).Distinct()],
            TrainingImages = images.Count(image => !image.IsTest),
            TestImages = images.Count(image => image.IsTest),
        };
        store.Write(run.Id, "images.json", images);
        return Begin(run);
    }

    /// <summary>Goes on with a run that was stopped, from its last checkpoint.</summary>
    public TrainingRun GoOn(string id)
    {
        var run = store.Get(id);
        return run.State == RunState.Done
            ? throw new RefusedException($"{id} is done. To train it further, start a new run from its weights.",
                StatusCodes.Status409Conflict)
            : Begin(run with { State = RunState.Preparing, Message = "Reading the images; training goes on where it was." });
    }

    /// <summary>Stops the run that is being worked on; it can go on later.</summary>
    public void Stop()
    {
        lock (_gate)
        {
            _work?.Cancellation.Cancel();
        }
    }

    /// <summary>Says what to start from: small images learn from nothing, photographs from a network that has seen others.</summary>
    public string RecommendedStart()
    {
        var images = project.Current.All().Select(each => new RunImage(each.Image, each.Class, IsTest: false)).ToArray();
        return PretrainedNetwork.IsThere && (images.Length == 0 || TypicalSide(images) >= SmallestPhotograph)
            ? Presets.Pretrained
            : Presets.Nothing;
    }

    /// <summary>Says how long a run would take, from some images that are trained on for a moment.</summary>
    public TimeEstimate Estimate(TrainingRequest request, CancellationToken cancellation)
    {
        RefuseIfBusy();
        var images = List();
        var start = StartOf(request.Start);
        var settings = Settings(request, start, images);
        var train = images.Where(image => !image.IsTest).ToArray();
        options.LoadTorch?.Invoke();
        var some = Some(train, MeasuredImages);
        if (settings.Layers == nameof(TrainableLayers.Head))
        {
            // The head learns from features that are computed once. What takes the same time for any number of images is told from
            // what each of them takes: the first time also loads Torch and looks at the processor.
            var few = Some(train, FewImages);
            Measure(settings, start, few, cancellation);
            var fixedTime = Measure(settings, start, few, cancellation).Seconds;
            var more = Measure(settings, start, some, cancellation).Seconds;
            var each = Math.Max(0, more - fixedTime) / Math.Max(1, some.Length - few.Length);
            return Estimated(fixedTime + (each * images.Length), each > 0 ? 1 / each : 0);
        }

        var (elapsed, history) = Measure(settings, start, some, cancellation);
        var rate = history.Epochs.Length > 0 ? history.Epochs.Max(epoch => epoch.ImagesPerSecond) : some.Length / elapsed;
        var reading = history.ReadingTime.TotalSeconds / some.Length * images.Length;
        return Estimated(reading + (settings.Epochs * (double)train.Length / rate), rate);

        TimeEstimate Estimated(double seconds, double imagesPerSecond) =>
            new(settings, seconds, imagesPerSecond, train.Length, images.Length - train.Length);
    }

    private static RunImage[] Some(RunImage[] images, int count) =>
        [.. images.GroupBy(image => image.Class).SelectMany(each => each.Take(Math.Max(2, count * each.Count() / images.Length)))];

    // Trains on a few images for a moment.
    private (double Seconds, TrainingHistory History) Measure(
        RunSettings settings, StartingPoint start, RunImage[] images, CancellationToken cancellation)
    {
        var ml = new MLContext(1);
        var files = ml.Data.LoadFromEnumerable(images.Select(image =>
            new ImageFolderRow { ImagePath = project.PathOf(image.Image), Label = image.Class }));
        var measured = settings with
        {
            Epochs = 2,
            ValidationFraction = 0,
            BatchSize = Math.Max(2, Math.Min(settings.BatchSize, images.Length / 2)),
        };
        var clock = Stopwatch.StartNew();
        using var network = ml.MulticlassClassification.Trainers.ResNet(measured.ToOptions(start, cancellation, mostTime: s_measuredTime))
            .Fit(ImageRows.Stages(ml, files).Transform(files));
        return (clock.Elapsed.TotalSeconds, network.History);
    }

    /// <summary>Lists the images of a run: which are trained on, and which are tested on.</summary>
    /// <remarks>
    /// Where the folder does not say, the hash of an image's content decides: an image stays on its side when it is moved, renamed or
    /// copied, so that no run that goes on from another one's weights is tested on what that one learned.
    /// </remarks>
    private RunImage[] List()
    {
        var listing = project.Refresh();
        var classes = listing.Classes.Where(each => each.Images[0].Length > 0).Select(each => each.Name).ToHashSet();
        if (classes.Count < 2)
        {
            throw new RefusedException("There must be images in at least two classes before training. Add some in step 1.");
        }

        var all = listing.All().Where(each => classes.Contains(each.Class)).ToArray();
        if (listing.Layout.IsSplit)
        {
            return [.. all.Select(each => new RunImage(each.Image, each.Class, each.Part == listing.Layout.Parts[1]))];
        }

        var hashed = all.AsParallel().AsOrdered().Select(each => (each.Image, each.Class, Share: ShareOf(check.HashOf(each.Image))))
            .ToArray();
        return
        [
            .. hashed.GroupBy(each => each.Class).SelectMany(group =>
            {
                // A class needs one image to test on where it can spare one, and one to train on always.
                var first = group.Count() > 1 ? group.Min(each => each.Share) : -1;
                var last = group.Max(each => each.Share);
                return group.Select(each => new RunImage(each.Image, each.Class,
                    each.Share == first || (each.Share < TestShare && each.Share != last)));
            }),
        ];
    }

    private static double ShareOf(string hash) =>
        hash.Length == 0 ? 1 : Convert.ToUInt32(hash[..8], 16) / (double)uint.MaxValue;

    private RunSettings Settings(TrainingRequest request, StartingPoint start, RunImage[] images)
    {
        var train = images.Where(image => !image.IsTest).ToArray();
        return Presets.Resolve(request, start, TypicalSide(train), train.GroupBy(image => image.Class).Min(each => each.Count()),
            train.Length);
    }

    private int TypicalSide(RunImage[] images)
    {
        var step = Math.Max(1, images.Length / SampledHeaders);
        var sides = images.Where((_, index) => index % step == 0).Select(image => Side(image.Image)).Where(side => side > 0).Order()
            .ToArray();
        return sides.Length == 0 ? 32 : sides[sides.Length / 2];
    }

    private int Side(string image)
    {
        using var codec = SKCodec.Create(project.PathOf(image));
        return codec is null ? 0 : Math.Min(codec.Info.Width, codec.Info.Height);
    }

    private StartingPoint StartOf(string start) => start switch
    {
        Presets.Nothing => StartingPoint.Nothing,
        Presets.Pretrained => PretrainedNetwork.Load(),
        _ => models.StartFrom(store.Get(start)),
    };

    private void RefuseIfBusy()
    {
        if (Active is { } id)
        {
            throw new RefusedException($"{id} is being trained. Stop it first, or wait.", StatusCodes.Status409Conflict);
        }
    }

    private TrainingRun Begin(TrainingRun run)
    {
        lock (_gate)
        {
            if (_work is not null)
            {
                throw new RefusedException($"{_work.Id} is being trained. Stop it first, or wait.", StatusCodes.Status409Conflict);
            }

            _work = new Work(run.Id);
            Tell(run);
            _work.Task = Task.Run(() => Run(run, _work));
        }

        return run;
    }

    private void Run(TrainingRun run, Work work)
    {
        var clock = Stopwatch.StartNew();
        try
        {
            options.LoadTorch?.Invoke();
            var start = StartOf(run.Settings.Start);
            run = new TrainingJob(store, project, check).Run(run, start, changed => Tell(run = changed), point =>
            {
                store.Append(run.Id, point);
                events.Send("point", new { run = run.Id, point });
            }, work.Cancellation.Token);
        }
        catch (OperationCanceledException)
        {
            run = work.IsServerStopping ? run : run with
            {
                State = RunState.Stopped,
                Message = "Stopped. It can go on where it was.",
                Seconds = run.Seconds + clock.Elapsed.TotalSeconds,
            };
        }
        catch (Exception exception)
        {
            log.LogError(exception, "{Run} failed.", run.Id);
            run = run with { State = RunState.Failed, Message = ErrorWords.Of(exception) };
        }

        lock (_gate)
        {
            _work = null;
        }

        work.Cancellation.Dispose();
        if (!work.IsServerStopping || !RunState.IsActive(run.State))
        {
            Tell(run);
        }
    }

    private void Tell(TrainingRun run)
    {
        store.Write(run.Id, "run.json", run);
        events.Send("run", run);
    }

    private sealed class Work(string id)
    {
        public string Id { get; } = id;

        public CancellationTokenSource Cancellation { get; } = new();

        public Task Task { get; set; } = Task.CompletedTask;

        public volatile bool IsServerStopping;
    }
}

/// <summary>How long a run will take, about.</summary>
internal sealed record TimeEstimate(RunSettings Settings, double Seconds, double ImagesPerSecond, int TrainingImages, int TestImages);
