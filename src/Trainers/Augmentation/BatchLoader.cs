using System.Diagnostics;
using System.Numerics;
using Microsoft.ML.ResNet.Trainers.Data;
using Microsoft.ML.ResNet.Trainers.Devices;

namespace Microsoft.ML.ResNet.Trainers.Augmentation;

/// <summary>Makes batches of images, on a thread of its own, a little ahead of the training step.</summary>
/// <remarks>
/// <code>
/// BatchPlan      which images make up a batch, and which of them this process makes
/// EpochSampler   the order of an epoch
/// IImageSource   the images in that order: from memory, from other ranks, or from shards
/// InputPipeline  an image, augmented and normalized
/// Mixing         the images of a batch, mixed
/// </code>
/// Random numbers are those of <see cref="BatchRandom"/>.
/// </remarks>
internal sealed class BatchLoader<T> : IDisposable
    where T : unmanaged, INumberBase<T>
{
    // One batch waits while one is trained on and one is filled, and so there is room for three.
    private const int Waiting = 1;
    private const int Room = Waiting + 2;
    private const string ThreadName = "ResNet batch loader";

    private readonly ImageSet<T> _images;
    private readonly InputPipeline[] _pipelines;
    private readonly int _epochs;
    private readonly int? _shuffleSeed;
    private readonly ClassBalance _balance;
    private readonly float[] _classWeights;
    private readonly BatchRandom _random;
    private readonly Batch[] _batches;
    private readonly bool _copiesAhead;
    private readonly BatchPlan _plan;
    private IImageSource<T>? _source;

    /// <param name="images">The images.</param>
    /// <param name="batchSize">The most images per batch.</param>
    /// <param name="pipelines">What makes the network's input; each pipeline is used for the same share of the epochs, in order.</param>
    /// <param name="epochs">The epochs of the whole run.</param>
    /// <param name="shuffleSeed">The seed of order, augmentation and mixing; null to keep the images' order.</param>
    /// <param name="balance">What makes up for classes with few images.</param>
    /// <param name="tensors">Makes tensors on the device that reads batches, to which they are copied ahead; null for the CPU.</param>
    public BatchLoader(
        ImageSet<T> images,
        int batchSize,
        InputPipeline[] pipelines,
        int epochs,
        int? shuffleSeed,
        ClassBalance balance = ClassBalance.None,
        TensorFactory? tensors = null)
    {
        tensors ??= TensorFactory.OnCpu;
        (_images, _pipelines, _epochs, _shuffleSeed, _balance) = (images, pipelines, epochs, shuffleSeed, balance);
        _plan = new BatchPlan(images.Count, batchSize);
        _classWeights = new ClassCounts(images.Entries).Weights(balance);
        _random = new BatchRandom(shuffleSeed ?? 0);
        var (capacity, imageSize) = (Math.Min(batchSize, images.Count), pipelines.Max(pipeline => pipeline.Output.Size));
        _batches = [.. Enumerable.Range(0, Room).Select(_ => new Batch(capacity, imageSize, tensors))];
        _copiesAhead = tensors.CopiesAhead;
    }

    /// <summary>Gets what mixes the images of a batch.</summary>
    /// <value>The default is <see langword="null"/>: nothing.</value>
    public Mixing? Mixing
    {
        get;
        init
        {
            field = value;
            _plan = _plan with { MixesImages = value is not null };
        }
    }

    /// <summary>Gets the slice of each batch whose images are made, by its number and that of all slices, where other processes make the
    /// others. Labels and weights are those of the whole batch.</summary>
    /// <value>The default is the whole batch.</value>
    public (int Number, int Count) Slice
    {
        get => _plan.Slice;
        init => _plan = _plan with { Slice = value };
    }

    /// <summary>Gets which of the batches are made, the first and so many further on, where other processes make the others.</summary>
    /// <value>The default is all of them.</value>
    public (int First, int Stride) Batches
    {
        get => _plan.Batches;
        init => _plan = _plan with { Batches = value };
    }

    /// <summary>Gets the number of batches in an epoch.</summary>
    public int BatchesPerEpoch => _plan.Count;

    /// <summary>Gets the number of images in an epoch.</summary>
    public int ImageCount => _plan.ImageCount;

    /// <summary>Gets how long the loader worked on the batches of the last finished epoch.</summary>
    public TimeSpan Busy { get; private set; }

    /// <summary>Gets the number of images in the batches before one.</summary>
    public int ImagesBefore(int batch) => _plan.StartOf(batch);

    /// <summary>Yields an epoch's batches. Each is valid until the next one is asked for.</summary>
    /// <param name="epoch">The epoch, counted from 1.</param>
    /// <param name="firstBatch">The index of the first batch to yield: more than 0 where training goes on within an epoch.</param>
    public IEnumerable<Batch> Epoch(int epoch, int firstBatch = 0)
    {
        _source ??= SourceOf(_images);
        var batches = _source.Epoch(epoch, firstBatch, images => ReadAhead.Of(Fill(epoch, images), Waiting, ThreadName));
        return _copiesAhead ? batches : batches.Select(Copied);
    }

    public void Dispose()
    {
        foreach (var batch in _batches)
        {
            batch.Dispose();
        }
    }

    // One that has all images of a batch to itself asks the ranks that keep them, one by one.
    private IImageSource<T> SourceOf(ImageSet<T> images)
    {
        if (images.Stream is { } stream)
        {
            return new StreamedImageSource<T>(stream, _plan, _shuffleSeed);
        }

        var sampler = new EpochSampler(images.Entries, _shuffleSeed, _balance);
        return images.Spread is { } spread && _plan.Takers > 1
            ? new SpreadImageSource<T>(images, spread.Ranks, _plan, sampler, Room)
            : new KeptImageSource<T>(images, _plan, sampler);
    }

    private IEnumerable<Batch> Fill(int epoch, IEnumerable<BatchImages<T>> batches)
    {
        var (busy, pipeline, made) = (TimeSpan.Zero, PipelineOf(epoch), 0);
        foreach (var (index, images) in batches)
        {
            var batch = _batches[made++ % Room];
            var clock = Stopwatch.StartNew();
            batch.Reset(index, _plan.SizeOf(index), pipeline.Output);
            var place = 0;
            foreach (var image in images)
            {
                Put(batch, place++, in image, epoch, pipeline);
            }

            Mix(batch, epoch);
            busy += clock.Elapsed;
            yield return _copiesAhead ? Copied(batch) : batch; // while the batch before it is trained on
        }

        Busy = busy;
    }

    private InputPipeline PipelineOf(int epoch) =>
        _pipelines[Math.Clamp((epoch - 1) * _pipelines.Length / _epochs, 0, _pipelines.Length - 1)];

    // Of an image that another process makes, its label and weight.
    private void Put(Batch batch, int place, in BatchImage<T> image, int epoch, InputPipeline pipeline)
    {
        if (image.Image is { } pixels)
        {
            var size = batch.Shape.Size;
            var random = _random.ForImage(epoch, image.Index, image.Repetition);
            pipeline.Apply(in pixels, batch.ImageValues.Slice(place * size, size), random);
        }

        ref readonly var entry = ref _images.Entries[image.Index];
        batch.LabelValues[place] = entry.Label;
        batch.WeightValues[place] = entry.Weight * _classWeights[entry.Label];
    }

    private void Mix(Batch batch, int epoch)
    {
        var (slice, random) = (_plan.SliceOf(batch.Index), _random.ForMixing(epoch, batch.Index));
        batch.OwnShare = Mixing?.Apply(batch.ImageValues, batch.Count, batch.Shape, random, slice.First..slice.End) ?? 1;
    }

    private static Batch Copied(Batch batch)
    {
        batch.CopyToDevice();
        return batch;
    }
}
