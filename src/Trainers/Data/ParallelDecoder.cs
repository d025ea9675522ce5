using System.Buffers;
using System.Collections.Concurrent;
using System.Numerics;
using Microsoft.ML.ResNet.Shards;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>Decodes samples of shards on all cores, and hands their images on in the order of the samples.</summary>
/// <remarks>
/// A thread reads the samples, and is <see cref="FilesAhead"/> of them ahead. Each is decoded through the stages of the user's pipeline,
/// and at most <see cref="Window"/> images are decoded and not yet given back.
/// </remarks>
/// <typeparam name="T">byte or float.</typeparam>
/// <param name="source">The shards, and the pipeline's stages.</param>
/// <param name="open">Opens a cursor over rows, and what reads its images.</param>
internal sealed class ParallelDecoder<T>(
    ShardSource source, Func<IDataView, (DataViewRowCursor Cursor, RowImageReader<T> Reader)> open) : IDisposable
    where T : unmanaged, INumberBase<T>
{
    /// <summary>The samples that are read ahead of those that are decoded, beside the ones that are mixed.</summary>
    public const int FilesAhead = 64;

    private readonly TaskFactory _cores = new(
        new ConcurrentExclusiveSchedulerPair(TaskScheduler.Default, Environment.ProcessorCount).ConcurrentScheduler);

    private readonly ConcurrentBag<SampleDecoder<T>> _decoders = [];
    private readonly Lock _lock = new();
    private int _held;
    private int _mostHeld;

    /// <summary>Gets the most images that are decoded and not yet given back at one time.</summary>
    public static int Window { get; } = 4 * Environment.ProcessorCount;

    /// <summary>Gets the most images that were decoded and not yet given back at one time.</summary>
    public int MostHeld => _mostHeld;

    /// <summary>Decodes samples, and gives their images in their order, each valid until the next is asked for.</summary>
    /// <param name="samples">
    /// The samples, each with the index of its image; null for one that is not wanted. A thread runs through them.
    /// </param>
    /// <param name="known">What is known of the image with an index, and whether it is decoded whole.</param>
    public IEnumerable<StreamedImage<T>> Decode(
        IEnumerable<(int Index, ShardSample? Sample)> samples, Func<int, (int Label, float Weight, bool Whole)> known)
    {
        var pending = new Queue<(int Index, Task<Decoded>? Decoding)>();
        using var files = ReadAhead.Of(samples, FilesAhead, "ResNet shard reader").GetEnumerator();
        try
        {
            for (var isOver = false; ;)
            {
                while (!isOver && pending.Count < Window)
                {
                    isOver = !files.MoveNext();
                    if (!isOver)
                    {
                        var (index, sample) = files.Current;
                        pending.Enqueue((index, sample is null ? null : _cores.StartNew(() => Decode(sample, known(index)))));
                    }
                }

                if (pending.Count == 0)
                {
                    yield break;
                }

                var (next, decoding) = pending.Peek();
                var decoded = decoding?.GetAwaiter().GetResult();
                yield return new StreamedImage<T>(next, decoded?.Image, decoded?.Failure ?? "");
                pending.Dequeue();
                GiveBack(decoded);
            }
        }
        finally
        {
            foreach (var (_, decoding) in pending)
            {
                GiveBack(ResultOf(decoding));
            }
        }
    }

    public void Dispose()
    {
        while (_decoders.TryTake(out var decoder))
        {
            decoder.Dispose();
        }
    }

    // What another one failed with is told already, or nobody asks any more.
    private static Decoded? ResultOf(Task<Decoded>? decoding)
    {
        if (decoding is null)
        {
            return null;
        }

        Task.WhenAny(decoding).Wait();
        return decoding.IsCompletedSuccessfully ? decoding.Result : null;
    }

    private Decoded Decode(ShardSample sample, (int Label, float Weight, bool Whole) known)
    {
        using var owned = sample;
        var decoder = _decoders.TryTake(out var free) ? free : NewDecoder();
        try
        {
            if (decoder.Read(sample, known) is not { } image)
            {
                return new Decoded(null, null, decoder.Failure);
            }

            var buffer = ArrayPool<T>.Shared.Rent(image.Values.Length);
            image.Pixels.CopyTo(buffer);
            var held = Interlocked.Increment(ref _held);
            for (var most = _mostHeld; held > most; most = _mostHeld)
            {
                Interlocked.CompareExchange(ref _mostHeld, held, most);
            }

            return new Decoded(buffer, image with { Values = buffer.AsMemory(0, image.Values.Length) }, "");
        }
        finally
        {
            _decoders.Add(decoder);
        }
    }

    // One at a time: views make what they share when they are first asked.
    private SampleDecoder<T> NewDecoder()
    {
        lock (_lock)
        {
            return new SampleDecoder<T>(source, open);
        }
    }

    private void GiveBack(Decoded? decoded)
    {
        if (decoded?.Buffer is { } buffer)
        {
            Interlocked.Decrement(ref _held);
            ArrayPool<T>.Shared.Return(buffer);
        }
    }

    private sealed record Decoded(T[]? Buffer, StoredImage<T>? Image, string Failure);
}
