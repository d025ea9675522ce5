using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Trainers.Data;

namespace Microsoft.ML.ResNet.Trainers.Tests.Data;

public sealed class SharedRowsTests
{
    private const int Count = 300;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly MLContext _ml = new(seed: 1);

    [Fact]
    public void EachRowWantedIsReadOnceThoughEachCursorHasAnotherOrder()
    {
        var shuffled = _ml.Data.ShuffleRows(View(Numbers()), shufflePoolSize: 50);
        LabeledRow[] odd = [.. Enumerable.Range(0, Count / 2).Select(i => Row(2 * i + 1))];
        var read = new ConcurrentBag<(int Place, int Number)>();

        Read(shuffled, odd, number => Thread.Sleep(1), read.Add);

        Assert.Equal(Enumerable.Range(0, Count / 2).Select(i => (i, 2 * i + 1)), read.Order());
    }

    [SkippableFact]
    public void WhereReadingIsDearSeveralCursorsReadAtTheSameTime()
    {
        Skip.If(Environment.ProcessorCount < 2, "one core");
        var (threads, second) = (new ConcurrentDictionary<int, bool>(), new ManualResetEventSlim());

        Read(View(Numbers()), Rows(), number =>
        {
            if (number < 10)
            {
                Thread.Sleep(2);
                return;
            }

            threads[Environment.CurrentManagedThreadId] = true;
            if (threads.Count > 1)
            {
                second.Set();
            }

            Assert.True(second.Wait(Patience));
        });

        Assert.InRange(threads.Count, 2, Environment.ProcessorCount);
    }

    [Fact]
    public void WhereMovingIsDearOneCursorMoves()
    {
        var started = 0;
        var view = View(Slow().Take(20));

        Read(view, [.. Rows().Take(20)], number => { });

        Assert.Equal(1, started);

        IEnumerable<Number> Slow()
        {
            started++;
            foreach (var number in Numbers())
            {
                Thread.Sleep(2);
                yield return number;
            }
        }
    }

    [Fact]
    public void WhatCannotBeEnumeratedTwiceAtATimeIsReadByOneCursor()
    {
        for (var attempt = 0; attempt < 20; attempt++) // one of them fails, or the other, or both
        {
            var (open, read) = (new StrongBox<int>(), new ConcurrentBag<int>());

            Read(View(OneAtATime(open)), [.. Rows().Take(30)], number =>
            {
                Thread.Sleep(1);
                read.Add(number);
            });

            Assert.Equal(Enumerable.Range(0, 30), read.Order());
        }

        static IEnumerable<Number> OneAtATime(StrongBox<int> open)
        {
            try
            {
                Interlocked.Increment(ref open.Value);
                foreach (var number in Numbers())
                {
                    yield return Volatile.Read(ref open.Value) == 1
                        ? number
                        : throw new InvalidOperationException("A second operation was started on this connection.");
                }
            }
            finally
            {
                Interlocked.Decrement(ref open.Value);
            }
        }
    }

    [Fact]
    public void OfRowsThatFailTheFirstIsReported()
    {
        for (var first = 2; first < 40; first += 7)
        {
            var exception = Assert.Throws<InvalidOperationException>(() => Read(View(Numbers()), Rows(), number =>
            {
                Thread.Sleep(number % 3);
                if (number >= first)
                {
                    throw new InvalidOperationException($"{number}");
                }
            }));

            Assert.Equal($"{first}", exception.Message);
        }
    }

    [Fact]
    public void AViewThatFailsIsReported()
    {
        var broken = View(Numbers().Select(number => number.Value < 50 ? number : throw new InvalidDataException("broken")));

        Assert.Contains("broken", Assert.Throws<InvalidDataException>(() => Read(broken, Rows(), number => Thread.Sleep(1))).Message);
    }

    [Fact]
    public void StopsWhenItIsToldTo()
    {
        using var cancellation = new CancellationTokenSource();
        var read = 0;

        Assert.ThrowsAny<OperationCanceledException>(() => Read(View(Numbers()), Rows(), number =>
        {
            Interlocked.Increment(ref read);
            cancellation.Cancel();
        }, cancellation: cancellation.Token));

        Assert.Equal(1, read);
    }

    private static void Read(
        IDataView view, LabeledRow[] rows, Action<int> read, Action<(int, int)>? note = null, CancellationToken cancellation = default)
    {
        new SharedRows(view, view.Schema, rows, cancellation).Read(cursor =>
        {
            var (getNumber, number) = (cursor.GetGetter<int>(cursor.Schema[nameof(Number.Value)]), 0);
            return place =>
            {
                getNumber(ref number);
                note?.Invoke((place, number));
                read(number);
            };
        });
    }

    private IDataView View(IEnumerable<Number> numbers) => _ml.Data.LoadFromEnumerable(numbers);

    private static IEnumerable<Number> Numbers() => Enumerable.Range(0, Count).Select(value => new Number { Value = value });

    private static LabeledRow[] Rows() => [.. Enumerable.Range(0, Count).Select(Row)];

    private static LabeledRow Row(int number) => new(new DataViewRowId((ulong)number, 0), 0, 1);

    private sealed class Number
    {
        public int Value { get; set; }
    }
}
