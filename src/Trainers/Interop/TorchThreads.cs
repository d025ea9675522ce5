using TorchSharp;

#pragma warning disable RS0030 // banned everywhere else

namespace Microsoft.ML.ResNet.Trainers;

/// <summary>Sets the threads that Torch computes with for operations started by this thread, and sets them back.</summary>
/// <remarks>
/// Torch keeps the number for each thread, and the last one set for threads to come. Of several trainings at once, the first remembers what
/// the process had, and each sets that back: one that
/// remembered for itself would take another's number for the process's.
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
            var current = torch.get_num_threads(); // asked of each thread first: Torch gives one that never asked the last number that was set, even after it set its own
            _ofProcess = _users++ == 0 ? current : _ofProcess;
            torch.set_num_threads(count ?? _ofProcess);
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
