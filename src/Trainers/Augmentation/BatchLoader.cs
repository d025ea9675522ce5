using System.Collections.Concurrent;
using System.Diagnostics;
using System.Numerics;
using Microsoft.ML.ResNet.Trainers.Data;
using Microsoft.ML.ResNet.Trainers.Devices;
using Microsoft.ML.ResNet.Trainers.Distributed;

namespace Microsoft.ML.ResNet.Trainers.Augmentation;

/// <summary>Makes batches of images, on a thread of its own, a little ahead of the training step.</summary>
/// <remarks>
/// The random numbers of an image depend on the seed, the epoch, the image's index and, where it is repeated, on the repetition; those of a
/// batch on the seed, the epoch and the batch's index. So neither timing nor a stop in between changes what the network sees.
/// </remarks>
internal sealed class BatchLoader<T> : IDisposable
    where T : unmanaged, INumberBase<T>
{
    // One batch waits while one is trained on and one is filled, and so there is room for three.
    private const int Waiting = 1;
    private const int Room = Waiting + 2;
    private const string ThreadName = "ResNet batch loader";

    // In the place of an image's index, for random numbers that belong to no image.
    private const int OrderStream = -1;
    private const int MixingStream = -2;

    private readonly ImageSet<T> _images;
    private readonly InputPipeline[] _pipelines;
    private readonly int _epochs;
    private readonly int? _shuffleSeed;
    private readonly int[] _sizes, _starts; // of the batches
    private readonly Batch[] _batches;
    private readonly bool _copiesAhead;
    private readonly int[][] _classes;
    private readonly float[] _classWeights;
    private readonly ReseedableRandom _random = new();
    private readonly int[] _order;
    private readonly int[] _times; // how often each image came in this epoch

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
        _images = images;
        _copiesAhead = tensors.CopiesAhead;
        _pipelines = pipelines;
        _epochs = epochs;
        _shuffleSeed = shuffleSeed;
        _sizes = SplitEvenly(images.Count, batchSize);
        _starts = new int[_sizes.Length];
        for (var i = 1; i < _starts.Length; i++)
        {
            _starts[i] = _starts[i - 1] + _sizes[i - 1];
        }

        var ordered = images.Stream is null ? images.Count : 0; // others come in an order of their own
        _order = new int[ordered];
        _times = new int[ordered];
        var (capacity, imageSize) = (Math.Min(batchSize, images.Count), pipelines.Max(pipeline => pipeline.Output.Size));
        _batches = [.. Enumerable.Range(0, Room).Select(_ => new Batch(capacity, imageSize, tensors))];
        var counts = CountClasses(images.Entries);
        var classCount = counts.Count(count => count > 0);
        _classes = balance == ClassBalance.Sampling ? ImagesOfClasses(images.Entries, counts) : [];
        _classWeights =
        [
            .. counts.Select(count =>
                balance == ClassBalance.Weights && count > 0 ? (float)images.Count / (classCount * count) : 1),
        ];
    }

    /// <summary>Gets what mixes the images of a batch.</summary>
    /// <value>The default is <see langword="null"/>: nothing.</value>
    public Mixing? Mixing { get; init; }

    /// <summary>Gets the slice of each batch whose images are made, by its number and that of all slices, where other processes make the
    /// others. Labels and weights are those of the whole batch.</summary>
    /// <value>The default is the whole batch.</value>
    public (int Number, int Count) Slice { get; init; } = (0, 1);

    /// <summary>Gets which of the batches are made, the first and so many further on, where other processes make the others.</summary>
    /// <value>The default is all of them.</value>
    public (int First, int Stride) Batches { get; init; } = (0, 1);

    /// <summary>Gets the number of batches in an epoch.</summary>
    public int BatchesPerEpoch => _sizes.Length;

    /// <summary>Gets the number of images in an epoch.</summary>
    public int ImageCount => _images.Count;

    /// <summary>Gets the number of images in the batches before one.</summary>
    public int ImagesBefore(int batch) => _sizes.AsSpan(0, batch).ToArray().Sum();

    /// <summary>Gets how long the loader worked on the batches of the last finished epoch.</summary>
    public TimeSpan Busy { get; private set; }

    /// <summary>Yields an epoch's batches. Each is valid until the next one is asked for.</summary>
    /// <param name="epoch">The epoch, counted from 1.</param>
    /// <param name="firstBatch">The index of the first batch to yield: more than 0 where training goes on within an epoch.</param>
    public IEnumerable<Batch> Epoch(int epoch, int firstBatch = 0)
    {
        var batches = _images.Stream is { } stream
            ? ReadAhead.Of(FillStreamed(stream, epoch, firstBatch), Waiting, ThreadName)
            : _images.Spread is { } spread && Takers > 1
            ? EpochTogether(epoch, firstBatch, spread.Ranks)
            : ReadAhead.Of(Fill(epoch, firstBatch, Order(epoch), brought: null), Waiting, ThreadName);
        return _copiesAhead ? batches : batches.Select(Copied);
    }

    public void Dispose()
    {
        foreach (var batch in _batches)
        {
            batch.Dispose();
        }
    }

    // Those that take part: one slice or some batches each. One that has all to itself asks for what it does not have.
    private int Takers => Math.Max(Slice.Count, Batches.Stride);

    // Images that other ranks keep are brought here, between the batches, as no thread but this one may call the ranks; before the loader
    // needs them, which is as many batches ahead as there is room for.
    private IEnumerable<Batch> EpochTogether(int epoch, int firstBatch, ICollective ranks)
    {
        var order = Order(epoch);
        var exchange = new ImageExchange<T>(_images, ranks, Room);
        using var brought = new BlockingCollection<Queue<StoredImage<T>>>();
        var (round, rounds) = (firstBatch / Batches.Stride, (_sizes.Length + Batches.Stride - 1) / Batches.Stride);
        for (var ahead = 0; ahead < Room; ahead++)
        {
            Bring();
        }

        var batches = ReadAhead.Of(Fill(epoch, firstBatch, order, brought), Waiting, ThreadName).GetEnumerator();
        try
        {
            while (batches.MoveNext())
            {
                yield return batches.Current;
                Bring();
            }

            while (round < rounds)
            {
                Bring(); // for others, which may have one batch more
            }
        }
        finally
        {
            brought.CompleteAdding(); // the loader may wait for more
            batches.Dispose();
        }

        void Bring()
        {
            if (round < rounds)
            {
                brought.Add(exchange.Bring([.. Enumerable.Range(0, ranks.Size).Select(rank => NeededBy(rank, round, order))]));
                round++;
            }
        }
    }

    // The places of the images that a rank makes in a round, in the order in which it does.
    private List<int> NeededBy(int rank, int round, int[] order)
    {
        var needed = new List<int>();
        var index = round * Batches.Stride + (Batches.Stride > 1 ? rank : 0);
        if (index < _sizes.Length)
        {
            var (start, count) = (_starts[index], _sizes[index]);
            var slice = SliceOf(count, Slice.Count > 1 ? rank : 0);
            for (var i = 0; i < count; i++)
            {
                if (IsNeeded(i, slice, count))
                {
                    needed.Add(order[start + i]);
                }
            }
        }

        return needed;
    }

    private IEnumerable<Batch> Fill(int epoch, int firstBatch, int[] order, BlockingCollection<Queue<StoredImage<T>>>? brought)
    {
        var (busy, times) = (TimeSpan.Zero, _times);
        Array.Clear(times);
        var pipeline = PipelineOf(epoch);
        for (var index = 0; index < _sizes.Length; index++)
        {
            if (index < firstBatch || index % Batches.Stride != Batches.First)
            {
                Count(order.AsSpan(_starts[index], _sizes[index]), times);
                continue;
            }

            var batch = _batches[index / Batches.Stride % _batches.Length];
            var ofOthers = brought?.Take();
            var clock = Stopwatch.StartNew();
            batch.Reset(index, _sizes[index], pipeline.Output);
            FillBatch(batch, order.AsSpan(_starts[index], _sizes[index]), epoch, times, pipeline, ofOthers);
            busy += clock.Elapsed;
            yield return _copiesAhead ? Copied(batch) : batch; // while the batch before it is trained on
        }

        Busy = busy;
    }

    // Images that are streamed come in the epoch's order, each with its index.
    private IEnumerable<Batch> FillStreamed(StreamedImages<T> images, int epoch, int firstBatch)
    {
        var (busy, pipeline) = (TimeSpan.Zero, PipelineOf(epoch));
        using var stream = images.Epoch(_shuffleSeed, epoch, ImagesBefore(firstBatch), IsNeeded).GetEnumerator();
        for (var index = firstBatch; index < _sizes.Length; index++)
        {
            var batch = _batches[index % _batches.Length];
            var clock = Stopwatch.StartNew();
            batch.Reset(index, _sizes[index], pipeline.Output);
            for (var i = 0; i < batch.Count && stream.MoveNext(); i++)
            {
                Put(batch, i, stream.Current.Index, epoch, repetition: 0, pipeline, stream.Current.Image);
            }

            Mix(batch, epoch);
            busy += clock.Elapsed;
            yield return _copiesAhead ? Copied(batch) : batch;
        }

        Busy = busy;
    }

    // By its place in the epoch.
    private bool IsNeeded(int place)
    {
        var found = Array.BinarySearch(_starts, place);
        var batch = found < 0 ? ~found - 1 : found;
        return IsNeeded(place - _starts[batch], SliceOf(_sizes[batch], Slice.Number), _sizes[batch]);
    }

    private InputPipeline PipelineOf(int epoch) =>
        _pipelines[Math.Clamp((epoch - 1) * _pipelines.Length / _epochs, 0, _pipelines.Length - 1)];

    private static Batch Copied(Batch batch)
    {
        batch.CopyToDevice();
        return batch;
    }

    private void FillBatch(
        Batch batch, ReadOnlySpan<int> indices, int epoch, int[] times, InputPipeline pipeline, Queue<StoredImage<T>>? ofOthers)
    {
        var slice = SliceOf(indices.Length, Slice.Number);
        for (var i = 0; i < indices.Length; i++)
        {
            ref readonly var entry = ref _images.Entries[indices[i]];
            StoredImage<T>? image = !IsNeeded(i, slice, indices.Length) ? null
                : entry.IsElsewhere && ofOthers is not null ? ofOthers.Dequeue() : _images[indices[i]];
            Put(batch, i, indices[i], epoch, times[indices[i]]++, pipeline, image);
        }

        Mix(batch, epoch);
    }

    // Puts an image into its place of a batch; of one that another process makes, its label and weight.
    private void Put(Batch batch, int place, int index, int epoch, int repetition, InputPipeline pipeline, StoredImage<T>? image)
    {
        if (image is { } made)
        {
            var size = batch.Shape.Size;
            pipeline.Apply(in made, batch.ImageValues.Slice(place * size, size), RandomFor(epoch, index, repetition));
        }

        ref readonly var entry = ref _images.Entries[index];
        batch.LabelValues[place] = entry.Label;
        batch.WeightValues[place] = entry.Weight * _classWeights[entry.Label];
    }

    private void Mix(Batch batch, int epoch)
    {
        var slice = SliceOf(batch.Count, Slice.Number);
        var random = RandomFor(epoch, MixingStream, batch.Index);
        batch.OwnShare = Mixing?.Apply(batch.ImageValues, batch.Count, batch.Shape, random, slice) ?? 1;
    }

    private Range SliceOf(int count, int number) =>
        (int)((long)count * number / Slice.Count)..(int)((long)count * (number + 1) / Slice.Count);

    // An image is mixed with the one before it, the first with the last.
    private bool IsNeeded(int image, Range slice, int count)
    {
        var (first, end) = (slice.Start.Value, slice.End.Value);
        return (image >= first && image < end) || (Mixing is not null && image == (first == 0 ? count : first) - 1);
    }

    private static void Count(ReadOnlySpan<int> indices, int[] times)
    {
        foreach (var index in indices)
        {
            times[index]++;
        }
    }

    private int[] Order(int epoch) => _shuffleSeed is null
        ? EpochOrder.Kept(_order)
        : _classes.Length > 0
            ? EpochOrder.Balanced(_classes, _images.Count, RandomFor(epoch, OrderStream))
            : EpochOrder.Shuffled(_order, RandomFor(epoch, OrderStream));

    private ReseedableRandom RandomFor(int epoch, int image, int repetition = 0) =>
        _random.Restart(repetition == 0
            ? SeedMixer.Mix(_shuffleSeed ?? 0, epoch, image)
            : SeedMixer.Mix(_shuffleSeed ?? 0, epoch, image, repetition));

    private static int[] CountClasses(ReadOnlySpan<ImageEntry> images)
    {
        var last = -1;
        foreach (ref readonly var image in images)
        {
            last = Math.Max(last, image.Label);
        }

        var counts = new int[last + 1];
        foreach (ref readonly var image in images)
        {
            counts[image.Label]++;
        }

        return counts;
    }

    // Of those that have any.
    private static int[][] ImagesOfClasses(ReadOnlySpan<ImageEntry> images, int[] counts)
    {
        var (classes, filled) = (Array.ConvertAll(counts, count => new int[count]), new int[counts.Length]);
        for (var i = 0; i < images.Length; i++)
        {
            var label = images[i].Label;
            classes[label][filled[label]++] = i;
        }

        return [.. classes.Where(members => members.Length > 0)];
    }

    // 130 images at 64 are 44 + 43 + 43: no last batch is so small that its statistics mislead batch normalization.
    private static int[] SplitEvenly(int count, int batchSize)
    {
        var batches = (count + batchSize - 1) / batchSize;
        return [.. Enumerable.Range(0, batches).Select(i => count / batches + (i < count % batches ? 1 : 0))];
    }
}
