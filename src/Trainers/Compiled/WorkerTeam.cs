using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using Microsoft.ML.ResNet.Trainers.Distributed;
using TorchSharp;

namespace Microsoft.ML.ResNet.Trainers.Compiled;

/// <summary>Threads that compute the slices of a step, and wait for each other where all of them have added to a sum.</summary>
/// <remarks>
/// Threads are kept for the next team: for each new one the C library may set up another heap, whose memory is hard to give back.
/// </remarks>
internal sealed class WorkerTeam : IDisposable
{
    // A worker is at most this many rounds of waiting ahead of another before it lets other threads have its core.
    private const int SpinRounds = 2000;

    private readonly Worker[] _workers;
    private readonly CountdownEvent _finished;
    private volatile ExceptionDispatchInfo? _failure;
    private int _arrived;
    private volatile int _meeting;
    private volatile IExchange? _join; // what the processes are doing before this meeting is over

    /// <param name="count">The workers; each is one thread.</param>
    /// <param name="torchThreads">The threads of each operation of Torch that a worker calls.</param>
    /// <param name="ranks">The processes, each with a team of as many workers; null for this one alone.</param>
    public WorkerTeam(int count, int torchThreads, ICollective? ranks = null)
    {
        Ranks = ranks ?? Alone.Instance;
        _finished = new CountdownEvent(count);
        var ofCaller = torch.get_num_threads();
        _workers = [.. Enumerable.Range(0, count).Select(_ => Worker.Take())];
        Run(_ => SetTorchThreads(torchThreads));
        SetTorchThreads(ofCaller); // the last number set is that of new threads
    }

    /// <summary>Gets the number of workers.</summary>
    public int Count => _workers.Length;

    /// <summary>Gets the processes, each with a team as large as this.</summary>
    public ICollective Ranks { get; }

    /// <summary>Gets what a thread holds while it calls the processes.</summary>
    public Lock Turn { get; } = new();

    /// <summary>Gets or sets what is done when the processes have begun something together at a meeting; null for nothing.</summary>
    public Action? HasBegun { get; set; }

    /// <summary>Runs something on every worker, and waits for all of them.</summary>
    /// <param name="work">Is given the worker's number. It throws what <see cref="Meet"/> throws.</param>
    public void Run(Action<int> work)
    {
        (_failure, _arrived, _join) = (null, 0, null);
        _finished.Reset();
        for (var i = 0; i < _workers.Length; i++)
        {
            _workers[i].Start(this, work, i);
        }

        _finished.Wait();
        _failure?.Throw();
    }

    /// <summary>Waits until every worker is here; each calls it the same number of times.</summary>
    /// <param name="join">What processes do when their workers are here, where there are several: then all workers wait for that.</param>
    /// <exception cref="OperationCanceledException">Another worker failed and will not come.</exception>
    public void Meet(IExchange? join = null) => Await(Arrive(join));

    /// <summary>Says that a worker is here, which may do something else before it waits for the others by <see cref="Await"/>.</summary>
    /// <param name="join">As in <see cref="Meet"/>.</param>
    /// <returns>The meeting.</returns>
    public int Arrive(IExchange? join = null)
    {
        var meeting = _meeting;
        if (_workers.Length == 1 || Interlocked.Increment(ref _arrived) == _workers.Length)
        {
            _arrived = 0;
            if (Ranks.Size > 1 && join is not null)
            {
                Begin(join);
            }
            else
            {
                _meeting = meeting + 1;
            }
        }

        return meeting;
    }

    /// <summary>Waits until every worker has come to a meeting.</summary>
    /// <param name="meeting">The meeting, at which this worker has arrived.</param>
    /// <exception cref="OperationCanceledException">Another worker failed and will not come.</exception>
    public void Await(int meeting)
    {
        for (var round = 0; _meeting == meeting; round++)
        {
            if (_failure is not null)
            {
                throw new OperationCanceledException("Another worker failed.");
            }

            if (_join is not null)
            {
                TryEnd(meeting);
            }

            if (round < SpinRounds)
            {
                Thread.SpinWait(1);
            }
            else
            {
                Thread.Yield();
            }
        }
    }

    public void Dispose()
    {
        foreach (var worker in _workers)
        {
            worker.GiveBack();
        }

        _finished.Dispose();
    }

    private void Begin(IExchange join)
    {
        lock (Turn)
        {
            join.Begin();
            HasBegun?.Invoke();
        }

        _join = join;
    }

    // Any worker that waits takes it further, one at a time.
    private void TryEnd(int meeting)
    {
        if (!Turn.TryEnter())
        {
            return;
        }

        try
        {
            if (_join?.TryEnd() == true)
            {
                _join = null;
                _meeting = meeting + 1;
            }
        }
        finally
        {
            Turn.Exit();
        }
    }

    private void Work(Action<int> work, int index)
    {
        try
        {
            work(index);
        }
        catch (Exception exception)
        {
            _failure ??= ExceptionDispatchInfo.Capture(exception);
        }
        finally
        {
            _finished.Signal();
        }
    }

    private static void SetTorchThreads(int count)
    {
        // A thread that never asked gets the last number that was set anywhere, even after it set its own.
        _ = torch.get_num_threads();
#pragma warning disable RS0030 // of this thread
        torch.set_num_threads(count);
#pragma warning restore RS0030
    }

    private sealed class Worker
    {
        private static readonly ConcurrentStack<Worker> Idle = new();

        private readonly SemaphoreSlim _given = new(0);
        private (WorkerTeam Team, Action<int> Work, int Index)? _task;

        private Worker() => new Thread(Work) { IsBackground = true, Name = "ResNet worker" }.UnsafeStart();

        public static Worker Take() => Idle.TryPop(out var idle) ? idle : new Worker();

        public void GiveBack() => Idle.Push(this);

        public void Start(WorkerTeam team, Action<int> work, int index)
        {
            _task = (team, work, index);
            _given.Release();
        }

        private void Work()
        {
            torch.set_grad_enabled(false);
            while (true)
            {
                _given.Wait();
                RunOnce();
            }
        }

        // An idle thread holds on to nothing of the training before.
        private void RunOnce()
        {
            var (team, work, index) = _task!.Value;
            _task = null;
            team.Work(work, index);
        }
    }
}
