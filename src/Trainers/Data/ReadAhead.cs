using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;

namespace Microsoft.ML.ResNet.Trainers.Data;

/// <summary>
/// Computes a sequence on a thread of its own, a little ahead of its reader. Torch's dispose scopes and thread count belong to a thread;
/// this way those of the reader's thread, which may be one of the thread pool, stay as they are.
/// </summary>
internal static class ReadAhead
{
    /// <summary>Yields the elements of a sequence, in order. When the reader stops, so does the thread.</summary>
    /// <param name="source">The sequence; it is run through, from first to last, on the one thread.</param>
    /// <param name="ahead">The most elements that wait for the reader. The reader may hold another one, and one may be under way.</param>
    /// <param name="threadName">The thread's name.</param>
    public static IEnumerable<T> Of<T>(IEnumerable<T> source, int ahead, string threadName)
    {
        using var ready = new BlockingCollection<T>(ahead);
        using var stop = new CancellationTokenSource();
        ExceptionDispatchInfo? failure = null;
        var producer = new Thread(() =>
        {
            try
            {
                foreach (var element in source)
                {
                    ready.Add(element, stop.Token);
                }
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
            }
            catch (Exception exception)
            {
                failure = ExceptionDispatchInfo.Capture(exception);
            }
            finally
            {
                ready.CompleteAdding();
            }
        }) { IsBackground = true, Name = threadName };
        producer.Start();
        try
        {
            foreach (var element in ready.GetConsumingEnumerable())
            {
                yield return element;
            }

            failure?.Throw();
        }
        finally
        {
            stop.Cancel();
            producer.Join();
        }
    }
}
