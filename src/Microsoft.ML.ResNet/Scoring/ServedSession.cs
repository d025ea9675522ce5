using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.ResNet.Interop;
using Microsoft.ML.ResNet.Onnx;

namespace Microsoft.ML.ResNet.Scoring;

/// <summary>
/// A graph in ONNX Runtime, which answers soon and computes fast. Of the time that a session takes to be made, nearly all goes into laying
/// weights out anew, in the order of the processor's vectors. So the first call is computed without that, by a session that is made in a
/// twentieth of the time; from the second call on, the faster one is made beside it, and takes its place. Thread-safe.
/// </summary>
internal sealed class ServedSession : IDisposable
{
    /// <summary>The most bytes of weights that are laid out at once: they take less than a tenth of a second.</summary>
    public const long FewWeights = 4 << 20;

    /// <summary>What a graph calls the memory of its large constants.</summary>
    public const string WeightsName = "weights";

    private readonly ServedGraph _graph;
    private readonly LargeMemory _weights;
    private readonly int? _threads;
    private readonly Lazy<Task<bool>>? _improvement;
    private Shared<NetworkSession> _session;
    private volatile bool _isUsed;

    /// <param name="graph">The graph.</param>
    /// <param name="weights">Its large constants; disposed of with this.</param>
    /// <param name="threads">How many threads compute a call; null for one for each core.</param>
    public ServedSession(ServedGraph graph, LargeMemory weights, int? threads)
    {
        (_graph, _weights, _threads) = (graph, weights, threads);
        if (weights.Capacity <= FewWeights)
        {
            _session = Make(GraphOptimizationLevel.ORT_ENABLE_ALL);
            return;
        }

        _session = Make(GraphOptimizationLevel.ORT_ENABLE_EXTENDED);
        _improvement = new Lazy<Task<bool>>(() => Task.Factory.StartNew(
            Improve, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default));
    }

    /// <summary>
    /// Gets the making of the faster session, which begins with the second call or with this; its result is whether there is one now.
    /// </summary>
    public Task<bool> Improvement => _improvement?.Value ?? Task.FromResult(false);

    /// <summary>Computes the graph's output.</summary>
    /// <param name="pixels">The images.</param>
    /// <param name="features">Room for their features.</param>
    public void Run(OrtValue pixels, Span<float> features)
    {
        if (_isUsed)
        {
            _ = Improvement;
        }

        _isUsed = true;
        var session = Enter();
        try
        {
            using var outputs = session.Value.Run(pixels);
            outputs[0].GetTensorDataAsSpan<float>().CopyTo(features);
        }
        finally
        {
            session.Leave();
        }
    }

    /// <summary>Releases the sessions and the weights. Nobody may call any more.</summary>
    public void Dispose()
    {
        if (_improvement is { IsValueCreated: true, Value: var improvement })
        {
            improvement.Wait();
        }

        _session.Leave();
        _weights.Dispose();
    }

    private Shared<NetworkSession> Enter()
    {
        while (true)
        {
            var session = Volatile.Read(ref _session);
            if (session.TryEnter()) // else it has just been replaced
            {
                return session;
            }
        }
    }

    private bool Improve()
    {
        // A process that ends takes ONNX Runtime down, which must not be at work then.
        EventHandler waitForIt = (_, _) => Improvement.Wait();
        AppDomain.CurrentDomain.ProcessExit += waitForIt;
        try
        {
            Interlocked.Exchange(ref _session, Make(GraphOptimizationLevel.ORT_ENABLE_ALL)).Leave();
            return true;
        }
        catch (Exception exception) when (exception is OnnxRuntimeException or InvalidDataException)
        {
            return false; // as for want of memory: the first session goes on, which computes the same
        }
        finally
        {
            AppDomain.CurrentDomain.ProcessExit -= waitForIt;
        }
    }

    private Shared<NetworkSession> Make(GraphOptimizationLevel level)
    {
        var options = new SessionOptions { GraphOptimizationLevel = level };
        options.AddSessionConfigEntry("session.force_spinning_stop", "1"); // between two batches, all cores decode
        if (_threads is { } count)
        {
            options.IntraOpNumThreads = count;
        }

        return new Shared<NetworkSession>(
            new NetworkSession(_graph.Model, _graph.Input.Name, _graph.Output.Name, options, _weights, WeightsName));
    }
}
