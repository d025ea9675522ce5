using TorchSharp;

#pragma warning disable RS0030 // banned everywhere else

namespace Microsoft.ML.ResNet.Trainers;

/// <summary>Sets how many threads Torch uses for operations of the current thread, and restores the number when disposed of.</summary>
/// <remarks>
/// Torch keeps a number for each thread, and gives new threads the last one that was set. If several trainings run at once, the first one
/// remembers the process's number, and each of them restores it: a later one would otherwise remember the number of another training.
/// </remarks>
internal sealed class TorchThreads : IDisposable
{
    private static readonly Lock Gate = new();
    private static int _users;
    private static int _ofProcess;

    /// <param name="count">The threads; null for what the process has.</param>
    public TorchThreads(int? count)
    {
        lock (Gate)
        {
            // Asked on each thread first: a thread that never asked gets the last number that was set, even after it set its own.
            var current = torch.get_num_threads();
            _ofProcess = _users++ == 0 ? current : _ofProcess;
            torch.set_num_threads(count ?? _ofProcess);
        }
    }

    /// <summary>Does something with another number of threads for operations of the current thread.</summary>
    /// <param name="count">The threads.</param>
    /// <param name="work">What is done.</param>
    public static T With<T>(int count, Func<T> work)
    {
        var before = torch.get_num_threads();
        torch.set_num_threads(count);
        try
        {
            return work();
        }
        finally
        {
            torch.set_num_threads(before);
        }
    }

    public void Dispose()
    {
        lock (Gate)
        {
            _users--;
            torch.set_num_threads(_ofProcess);
        }
    }
}
