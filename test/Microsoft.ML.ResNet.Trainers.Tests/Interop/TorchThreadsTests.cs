using TorchSharp;

namespace Microsoft.ML.ResNet.Trainers.Tests.Interop;

public sealed class TorchThreadsTests
{
    public TorchThreadsTests() => TorchRuntime.Initialize();

    // The second begins while the first is at work, and ends after it.
    [Fact]
    public void TwoAtOnceLeaveTheProcessAsItWas()
    {
        var before = OfANewThread();
        using var secondStarts = new ManualResetEventSlim();
        using var firstEnded = new ManualResetEventSlim();
        var (during, second) = (0, new Thread(() => { }));

        using (new TorchThreads(before + 1))
        {
            second = new Thread(() =>
            {
                using var threads = new TorchThreads(before + 2);
                secondStarts.Set();
                firstEnded.Wait();
                during = torch.get_num_threads();
            });
            second.Start();
            secondStarts.Wait();
            Assert.Equal(before + 1, torch.get_num_threads());
        }

        firstEnded.Set();
        second.Join();

        Assert.Equal(before + 2, during);
        Assert.Equal(before, torch.get_num_threads());
        Assert.Equal(before, OfANewThread());
    }

    [Fact]
    public void WithoutANumberItIsTheProcesss()
    {
        var before = torch.get_num_threads();
        using var one = new TorchThreads(before + 1);
        using var two = new TorchThreads(null);

        Assert.Equal(before, torch.get_num_threads());
    }

    private static int OfANewThread()
    {
        var count = 0;
        var thread = new Thread(() => count = torch.get_num_threads());
        thread.Start();
        thread.Join();
        return count;
    }
}
