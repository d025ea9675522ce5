using TorchSharp;

#pragma warning disable RS0030 // banned everywhere else

namespace Microsoft.ML.ResNet.Trainers;

/// <summary>Sets the threads that Torch computes with for operations started by this thread, and sets them back.</summary>
internal sealed class TorchThreads : IDisposable
{
    private readonly int _before = torch.get_num_threads();

    public TorchThreads(int? count)
    {
        if (count is { } threads)
        {
            torch.set_num_threads(threads);
        }
    }

    public void Dispose() => torch.set_num_threads(_before);
}
