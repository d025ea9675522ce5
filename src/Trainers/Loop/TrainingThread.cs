using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using TorchSharp;

namespace Microsoft.ML.ResNet.Trainers.Loop;

/// <summary>
/// Runs training on a thread of its own and waits for it. Torch's dispose scopes and thread count belong to a thread; the caller's, which
/// may be a pool's, keeps its own.
/// </summary>
/// <remarks>
/// Threads wait for the next training and are never ended: for each that is new, glibc may set up another heap, and OpenMP starts other
/// threads, which have theirs. Heaps that seventy trainings had been spread over held hundreds of megabytes that could not be given back.
/// There are as many threads as trainings ran at once.
/// </remarks>
internal sealed class TrainingThread
{
    private static readonly ConcurrentStack<TrainingThread> Idle = new();

    private readonly SemaphoreSlim _given = new(0);
    private Action? _work;

    private TrainingThread() => new Thread(Work) { IsBackground = true, Name = "ResNet training" }.UnsafeStart();

    public static TResult Run<TResult>(Func<TResult> train)
    {
        var thread = Idle.TryPop(out var idle) ? idle : new TrainingThread();
        try
        {
            return thread.RunHere(train, torch.get_num_threads());
        }
        finally
        {
            Idle.Push(thread);
            FreeBuffers.AfterTraining();
        }
    }

    // In the caller's context, as a new thread would be, and with its number of threads.
    private TResult RunHere<TResult>(Func<TResult> train, int threadCount)
    {
        var result = new TaskCompletionSource<TResult>();
        var context = ExecutionContext.Capture();
        _work = context is null ? Train : () => ExecutionContext.Run(context, _ => Train(), null);
        _given.Release();
        return result.Task.GetAwaiter().GetResult();

        void Train()
        {
            try
            {
                Inherit(threadCount);
                result.SetResult(train());
            }
            catch (Exception exception)
            {
                result.SetException(exception);
            }
        }
    }

    // What the application set since this thread's last training; a new thread would have it too.
    private static void Inherit(int threadCount)
    {
        if (torch.get_num_threads() != threadCount)
        {
#pragma warning disable RS0030 // it is the process's number
            torch.set_num_threads(threadCount);
#pragma warning restore RS0030
        }
    }

    private void Work()
    {
        while (true)
        {
            _given.Wait();
            RunOnce();
        }
    }

    // Not inlined, so that an idle thread holds on to nothing of the training before.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void RunOnce() => Interlocked.Exchange(ref _work, null)!.Invoke();
}
